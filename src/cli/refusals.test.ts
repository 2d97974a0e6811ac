import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { cliInside, cliInsideWith } from "../../test/lib/cli-inside.ts";
import { aChange, aDivergence, anApproval, aMessage, aRepo, aState } from "../../test/lib/fixtures.ts";
import { CUT, eventsOf, StubHost, type Said, type StubAnswer } from "../../test/lib/stub-host.ts";
import { ErrorCode, HiveError } from "../wire/error.ts";
import type { OperationName } from "../wire/operations.ts";
import { buildProgram } from "./program.ts";
import { findVerb, verbName, verbsOf } from "./verbs.ts";

/**
 * Every verb × every kind of refusal by the daemon: a text on standard error, with --json one document on standard
 * output with the same text, and the same exit code.
 */

let host: StubHost;
let folder: string;
let clone: string;
beforeAll(async () => {
  host = await new StubHost().start();
  folder = mkdtempSync(join(tmpdir(), "refused-"));
  mkdirSync(join(folder, "tree"));
  writeFileSync(join(folder, "tree", "agent.json"), "{}");
  clone = join(folder, "clone");
  execFileSync("git", ["init", "--quiet", clone]);
});
afterAll(async () => {
  await host.dispose();
  rmSync(folder, { recursive: true });
});

const request = anApproval({ id: 12, agent: "scout" });
const sent = { sent: [{ id: 12, to: "scout", state: "queued" }], duplicate: false, refused: [] };
/** Answers to the calls that a verb makes before the operation that is refused. */
const fine: StubHost["answers"] = {
  state: { state: aState() },
  list: { agents: ["hm1nd", "scout"] },
  show: { approval: request, files: [], cut: false },
  approve: { approval: { ...request, state: "approved" } },
  approvals: { approvals: [request] },
  questions: { questions: [] },
  inbox: { messages: [aMessage("scout", "operator", "hello", { id: 7 })], unread: 1, read_up_to: 0 },
  turn_events: { events: [], more: false },
  send: sent,
  upload_start: { upload: "0b7d6f3e-7f6a-4b8e-9c55-0d9d1f2a3b4c" },
  rollback: { request: 12 },
  rebuild: { request: 12 },
  request_spawn: { request: 12, risks: [] },
  propose: { request: 12, risks: [] },
  repo: { repo: aRepo("web"), branches: [] },
  repo_divergence: aDivergence(),
  change: { change: aChange({ id: 3 }), files: [], comments: [] },
  changes: { changes: [aChange({ id: 3, state: "queued" })] },
  change_approve: { change: aChange({ id: 3, state: "approved" }) },
  change_retry: { change: aChange({ id: 3, state: "queued" }) },
  pending: { approvals: [] },
  budget: { time_zone: "UTC", rows: [], over: [] },
  repo_include: { file: { path: ".env", bytes: 1, executable: false, added_at: request.requested_at } },
  repo_includes: { files: [] },
};
beforeEach(() => {
  host.calls = [];
  host.answers = { ...fine };
});

/** A command line, and the operation that the daemon refuses. */
type Case = readonly [words: string, refused: OperationName];
const VERBS: readonly Case[] = [
  ["status", "state"],
  ["list", "list"],
  ["list --long", "state"],
  ["spawn ada", "spawn"],
  ["spawn ada --wait", "spawn"],
  ["start scout", "start"],
  ["start --what-ran", "start_what_ran"],
  ["stop scout", "stop"],
  ["stop --all", "stop_all"],
  ["kill scout", "kill"],
  ["kill --all", "list"],
  ["restart scout", "restart"],
  ["pause scout", "set_paused"],
  ["resume scout", "set_paused"],
  ["revive scout", "revive"],
  ["revive scout --wait", "revive"],
  ["destroy scout --yes", "destroy"],
  ["tombstones", "tombstones"],
  ["logs scout", "logs"],
  ["logs scout --follow", "logs"],
  ["logs scout --system --follow", "journal"],
  ["config scout", "config"],
  ["send scout hi", "send"],
  ["send scout hi --wait", "send"],
  ["send scout hi --wait", "watch"],
  ["inbox", "inbox"],
  ["inbox", "mark_read"],
  ["messages", "messages"],
  ["message 7", "message"],
  ["retry 12", "message_retry"],
  ["drop 12", "message_drop"],
  ["let-go 12", "chain_resume"],
  ["loops", "loops"],
  ["questions", "questions"],
  ["answer 17 yes", "answer"],
  ["question 17", "question"],
  ["answer 17 --option 1", "question"],
  ["close-question 17", "question_cancel"],
  ["tail scout", "state"],
  ["tail scout", "turn_events"],
  ["tail scout", "watch"],
  ["watch", "watch"],
  ["turns scout", "turns"],
  ["cancel scout", "cancel"],
  ["compact scout", "compact"],
  ["model scout opus", "model"],
  ["new-session scout", "new_session"],
  ["cost scout", "usage"],
  ["usage scout", "usage_sums"],
  ["usage --by change", "change_usage"],
  ["egress scout", "egress"],
  ["egress scout --propose example.com", "config"],
  ["pending", "pending"],
  ["budget list", "budget"],
  ["budget set scout --cost-per-day 5", "budget_set"],
  ["budget raise scout", "budget_answer"],
  ["budget lift scout", "budget_answer"],
  ["budget stop --hive", "budget_answer"],
  ["requests", "approvals"],
  ["show 12", "show"],
  ["approve 12 --yes", "show"],
  ["approve 12 --yes", "approve"],
  ["approve 12 --yes --wait", "watch"],
  ["deny 12", "deny"],
  ["cancel-request 12", "cancel_request"],
  ["build-log 12", "build_log"],
  ["request-spawn ada", "request_spawn"],
  ["request-spawn ada --wait", "watch"],
  ["propose scout TREE", "propose"],
  ["propose scout TREE --wait", "watch"],
  ["rollback scout 7", "rollback"],
  ["rollback scout 7 --wait", "show"],
  ["rebuild scout", "rebuild"],
  ["rebuild scout --wait", "watch"],
  ["update --all", "update"],
  ["update --all --wait", "update"],
  ["force 12", "deploy_force"],
  ["repo add web", "repo_create"],
  ["repo add web CLONE", "repo_add"],
  ["repo add web https://git.test/o/web.git", "repo_add_remote"],
  ["repo login web --none", "repo_login"],
  ["repo add web git@git.test:o/web.git", "repo_host_key"],
  ["repo trust web", "repo_host_key"],
  ["repo list", "repos"],
  ["repo show web", "repo"],
  ["repo set web --merge squash", "repo_set"],
  ["repo fetch web", "repo"],
  ["repo fetch web", "repo_fetch"],
  ["repo push web", "repo_push"],
  ["repo reconcile web", "repo_divergence"],
  ["repo reconcile web merge", "repo_reconcile"],
  ["repo reconcile web reset --yes", "repo_divergence"],
  ["repo reconcile web reset --yes", "repo_reconcile"],
  ["repo gc web", "repo_gc"],
  ["repo remove web --yes", "repo"],
  ["repo remove web --yes", "repo_remove"],
  ["repo include web FILE --as a.json", "repo_include"],
  ["repo include web FILE", "repo_includes"],
  ["repo include web --list", "repo_includes"],
  ["repo include web --remove .env", "repo_include_remove"],
  ["repo pause web", "queue_pause"],
  ["repo resume web --base main", "queue_pause"],
  ["repo remote web", "repo_token"],
  ["repo credential web get", "repo_token"],
  ["work list", "workspaces"],
  ["work list scout", "workspaces"],
  ["work diff scout web", "workspace_diff"],
  ["work diff scout web --file a.ts", "workspace_file"],
  ["work drop scout web --yes", "workspace_drop"],
  ["work retry scout", "workspace_retry"],
  ["work skip scout", "workspace_skip"],
  ["change list", "changes"],
  ["change show 3", "change"],
  ["change show 3 --file a.ts", "change_file"],
  ["change approve 3 --yes", "change"],
  ["change approve 3 --yes", "change_approve"],
  ["change approve 3 --yes --wait", "changes"],
  ["change approve 3 --yes --wait", "watch"],
  ["change deny 3", "change_deny"],
  ["change comment 3 why", "change_comment"],
  ["change comment 3 why --file a.ts --line 1", "change_file"],
  ["change return 3 --note no", "change_return"],
  ["change withdraw 3", "withdraw_change"],
  ["change retry 3", "change_retry"],
  ["change retry 3 --wait", "watch"],
  ["change dequeue 3", "change_dequeue"],
  ["change front 3", "change_to_front"],
  ["change revert 3", "change_revert"],
  ["change log 3", "change_log"],
  ["change checkout 3", "change"],
  ["files scout", "file_list"],
  ["file scout a.txt", "file_read"],
  ["cp scout:a.txt .", "file_download"],
  ["cp FILE scout:", "upload_start"],
  ["cp FILE scout:", "upload_piece"],
  ["cp FILE scout:", "upload_finish"],
  ["send scout hi --file FILE", "upload_start"],
  ["deploys scout", "deploys"],
  ["meta", "meta"],
  ["meta-update hyperhive", "meta_update"],
  ["meta-update hyperhive --wait", "meta_update"],
  ["audit", "audit"],
  ["check", "check"],
  ["login", "login"],
  ["operator list", "operators"],
  ["operator add bob --role viewer", "operator_add"],
  ["operator set bob --role admin", "operator_set"],
  ["operator set bob --passkey off", "operator_passkey_off"],
  ["operator remove bob --yes", "operator_remove"],
  ["secret set GH", "secret_set"],
  ["secret list", "secrets"],
  ["secret remove GH --yes", "secret_remove"],
  ["credential add work --file /k", "credential_add"],
  ["credential list", "credentials"],
  ["credential remove work --yes", "credential_remove"],
  ["login --model", "model_login_start"],
  ["login --model --code a#b", "model_login_finish"],
  ["login --model --cancel", "model_login_cancel"],
  ["sessions", "sessions"],
  ["logout 3", "session_revoke"],
  ["logout --model", "model_logout"],
  ["urls", "urls"],
  ["shutdown", "shutdown"],
  ["backup FOLDER", "backup"],
  ["migrate", "migrate"],
  ["migrate --build", "migrate"],
  ["migrate --build --reviewed scout@1f0c5a9e27d4", "migrate"],
  ["migrate --undo --yes", "migrate"],
];
/** These verbs call no daemon, or draw on a terminal. */
const ALONE = ["restore", "completion", "man", "top"];

const wordsOf = (line: string): string[] => line.split(" ").map((word) => PLACES[word]?.() ?? word);
const PLACES: Record<string, () => string> = {
  TREE: () => join(folder, "tree"),
  FILE: () => join(folder, "tree", "agent.json"),
  FOLDER: () => join(folder, "to"),
  CLONE: () => clone,
};
/** What verbs read from standard input. */
const INPUT: Record<string, string> = { "secret set GH": "a value\n" };
const hivectl = (line: string, ...more: string[]): Promise<Said> =>
  cliInsideWith(INPUT[line] ?? "", "--socket", host.socket, ...wordsOf(line), ...more);

/** Expects the same failure as text and as JSON. Text that the verb printed before it does not matter. */
async function expectFailure(line: string, exit: number, code: string, words: string | RegExp): Promise<Record<string, unknown>> {
  const text = await hivectl(line);
  const json = await hivectl(line, "--json");
  expect({ line, text: text.code, json: json.code }).toEqual({ line, text: exit, json: exit });
  expect(json.out.trimEnd().split("\n"), `one document: ${json.out}`).toHaveLength(1);
  const document = JSON.parse(json.out) as Record<string, unknown>;
  expect(document).toMatchObject({ ok: false, code });
  expect(document["error"]).toMatch(words);
  expect(text.err).toBe(`hivectl: ${String(document["error"])}\n`);
  return document;
}

test("every verb is in the table", () => {
  const program = buildProgram();
  const known = [...ALONE, ...VERBS.map(([words]) => words)].map((words) => `${words} `);
  const verbs = verbsOf(program).map(verbName);
  expect(verbs.filter((verb) => !known.some((words) => words.startsWith(`${verb} `)))).toEqual([]);
});

describe.each(VERBS)("%s, refused at %s", (line, operation) => {
  const refuse = (answer: StubAnswer): void => {
    host.answers[operation] = answer;
  };

  // A viewer may not mark messages as read, and reads them all the same.
  const codes = ErrorCode.options.filter((code) => !(operation === "mark_read" && line === "inbox" && code === "forbidden"));
  test.each(codes)("with %s", async (code) => {
    const words = `it cannot be (${code}): do this instead`;
    refuse(new HiveError(code, words));
    await expectFailure(line, 1, code, new RegExp(code));
    expect(host.calls.some((one) => one.name === operation)).toBe(true);
  });

  test("by a defect of the daemon", async () => {
    refuse(() => {
      throw new TypeError("undefined is not a function");
    });
    await expectFailure(line, 1, "internal", "inside the daemon");
  });

  test("by a daemon that stops during the call", async () => {
    refuse(CUT);
    await expectFailure(line, 3, "unavailable", "the hive stopped before it answered");
  });

  test("without a daemon", async () => {
    const nobody = join(folder, "nobody.sock");
    const text = await cliInside("--socket", nobody, ...wordsOf(line));
    const json = await cliInside("--socket", nobody, ...wordsOf(line), "--json");
    expect([text.code, text.out, json.code]).toEqual([3, "", 3]);
    const { error, ...rest } = JSON.parse(json.out) as { error: string };
    expect(rest).toEqual({ ok: false, code: "unavailable" });
    expect(text.err).toBe(`hivectl: ${error}\n`);
  });
});

describe("a verb whose operation failed", () => {
  const ended = (state: "failed" | "denied" | "cancelled" | "deployed") => ({
    ...request,
    seq: 900,
    state,
    error: "no such module",
  });

  test.each(["approve 12 --yes --wait", "rollback scout 7 --wait", "request-spawn ada --wait", "propose scout TREE --wait"])(
    "%s",
    async (line) => {
      for (const state of ["failed", "denied", "cancelled"] as const) {
        host.answers.watch = () => eventsOf([{ kind: "approval", seq: 900, approval: ended(state) }]);
        const document = await expectFailure(line, 1, "failed", `#12 ${state}: no such module`);
        expect(document["approval"]).toMatchObject({ id: 12, state });
      }
      host.answers.watch = () => eventsOf([{ kind: "approval", seq: 900, approval: ended("deployed") }]);
      expect(await hivectl(line)).toMatchObject({ code: 0, err: "" });
      expect(JSON.parse((await hivectl(line, "--json")).out)).toMatchObject({ approval: { state: "deployed" } });
    },
  );

  test("a proposal that is refused at once", async () => {
    host.answers.propose = { request: 14, refused: "agent.json: model: too long", risks: [] };
    host.answers.config = { files: [{ path: "agent.json", text: "{}" }] };
    for (const line of ["propose scout TREE", "propose scout TREE --wait", "egress scout --propose localhost"])
      await expectFailure(line, 1, "failed", "#14 is refused: agent.json: model: too long");
  });

  test("a check with findings", async () => {
    const finding = { invariant: 3, what: "x", ok: false, problems: ["y"], checked: 1 };
    host.answers.check = { holds: false, findings: [finding] };
    expect(await expectFailure("check", 1, "failed", "invariant 3")).toMatchObject({ holds: false, findings: [finding] });
  });
});

describe("a failure for some of several agents", () => {
  const results = [
    { name: "hm1nd", ok: true },
    { name: "scout", ok: false, error: "it is busy" },
  ];

  test.each(["start --all", "stop --all", "update --all", "update --all --wait", "meta-update hyperhive"])("%s", async (line) => {
    for (const verb of ["start", "stop_all", "update", "meta_update"] as const) host.answers[verb] = { results };
    expect(await expectFailure(line, 4, "partial", /^1 of 2 failed\n {2}scout: it is busy$/)).toMatchObject({ results });
    expect((await hivectl(line)).out).toMatch(/^hm1nd [^\n]*\n$/);
  });

  test.each(["kill --all", "restart --all", "pause --all", "resume --all", "rebuild --all"])("%s", async (line) => {
    const answer = ({ name }: Record<string, unknown>): object =>
      name === "scout" ? new HiveError("conflict", "it is busy") : { request: 12 };
    for (const verb of ["kill", "restart", "set_paused", "rebuild"] as const) host.answers[verb] = answer;
    const document = await expectFailure(line, 4, "partial", /^1 of 2 failed\n {2}scout: it is busy$/);
    expect(document["results"]).toMatchObject(results);
  });

  test("rebuild --wait, when one deploy fails", async () => {
    const failed = { ...request, state: "failed", error: "no such module" };
    host.answers.rebuild = ({ name }) => ({ request: name === "scout" ? 12 : 13 });
    host.answers.show = ({ id }) => ({
      approval: id === 12 ? failed : { ...request, id: 13, agent: "hm1nd", state: "deployed" },
      files: [],
      cut: false,
    });
    const document = await expectFailure("rebuild --all --wait", 4, "partial", "scout: failed: no such module");
    expect(document["results"]).toMatchObject([
      { name: "hm1nd", ok: true },
      { name: "scout", ok: false, request: 12 },
    ]);
  });

  test("the daemon stops halfway", async () => {
    host.answers.list = { agents: ["scout", "hm1nd"] };
    host.answers.restart = ({ name }) => (name === "hm1nd" ? CUT : {});
    expect(await expectFailure("restart --all", 3, "unavailable", "the hive stopped")).toMatchObject({
      results: [{ name: "scout", ok: true }],
    });
  });

  test("send to all of them", async () => {
    host.answers.send = { ...sent, refused: [{ to: "ada", error: "not allowed" }] };
    expect(await expectFailure("send * hi", 4, "partial", "not sent to ada: not allowed")).toMatchObject(
      sent.sent[0] ? { sent: sent.sent } : {},
    );
  });
});

const DECISIONS: readonly string[] = ["approve", "destroy", "change_approve", "repo_remove", "workspace_drop", "secret_remove"];
describe("a command line that cannot be parsed", () => {
  test.each(VERBS.map(([line]) => line).filter((line, at, all) => all.indexOf(line) === at))(
    "%s --no-such-option",
    async (line) => {
      const text = await hivectl(line, "--no-such-option");
      const json = await hivectl(line, "--no-such-option", "--json");
      expect([text.code, text.out, json.code]).toEqual([2, "", 2]);
      const document = JSON.parse(json.out) as { error: string };
      expect(document).toMatchObject({ ok: false, code: "bad_request" });
      expect(text.err).toContain(`hivectl: ${document.error}`);
    },
  );

  test.each([
    "approve 12",
    "destroy scout",
    "destroy scout --purge",
    "change approve 3",
    "repo remove web",
    "work drop scout web",
    "secret remove GH",
  ])("%s asks, and without a terminal refuses", async (line) => {
    await expectFailure(line, 2, "bad_request", /without a terminal: use .*--yes/);
    expect(host.calls.filter(({ name }) => DECISIONS.includes(name))).toEqual([]);
  });
});

const WAITING =
  "start,stop,kill,restart,pause,resume,cancel,compact,model,new-session,send,shutdown,rebuild,update,approve,build-log," +
  "repo add,repo fetch,repo gc,change approve,change retry,change log";
test.each(WAITING.split(","))("%s waits, and has the --timeout of all verbs that do", (verb) => {
  const option = findVerb(buildProgram(), verb)
    ?.options.filter(({ long }) => long === "--timeout")
    .map(({ flags, description }) => [flags, description]);
  expect(option).toEqual([["--timeout <time>", "give up after this time (90s, 5m, 1h); the operation continues"]]);
});

describe("the verbs that decide", () => {
  const DECIDING = [
    "spawn ada",
    "revive scout",
    "destroy scout",
    "approve 12",
    "deny 12",
    "cancel-request 12",
    "request-spawn ada",
    "propose scout TREE",
    "rollback scout 7",
    "rebuild scout",
    "update scout",
    "meta-update hyperhive",
  ];

  test("share one set of options", () => {
    const program = buildProgram();
    const set = (verb: string): unknown =>
      findVerb(program, verb)
        ?.options.filter((one) => ["--yes", "--wait", "--timeout", "--note", "--json"].includes(one.long ?? ""))
        .map((one) => [one.flags, one.description])
        .sort();
    for (const line of DECIDING) expect(set(line.split(" ")[0] ?? ""), line).toEqual(set("approve"));
    expect(set("approve")).toHaveLength(5);
  });

  test.each(DECIDING)("%s passes its note on", async (line) => {
    const results = { results: [{ name: "scout", ok: true }] };
    host.answers = { ...host.answers, update: results, meta_update: results };
    await hivectl(line, "--yes", "--note", "because");
    expect(host.calls.at(-1)?.input).toMatchObject({ note: "because" });
  });
});
