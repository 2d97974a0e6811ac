import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ApprovalView } from "../../src/wire/approval.ts";
import { HiveError } from "../../src/wire/error.ts";
import type { OperationName } from "../../src/wire/operations.ts";
import { cliInside } from "../lib/cli-inside.ts";
import { StubHost } from "../lib/stub-host.ts";

/**
 * The verbs for requests, over the real socket server; at a terminal as separate processes. The test supplies the
 * answers, so that every state is possible: a request that changes between show and approve, a deploy that fails, a
 * checker with findings.
 */

const at = "2026-01-01T00:00:00.000Z";
const sha = "3f2a91c04d1e".padEnd(40, "a");
const digest = "d".repeat(64);
const request: ApprovalView = {
  id: 12,
  seq: 100,
  agent: "scout",
  kind: "apply_commit",
  origin: "request",
  state: "pending",
  requested_by: "hm1nd",
  description: "may reach arxiv",
  sha,
  digest,
  requested_at: at,
  risks: [{ level: "danger", kind: "egress", text: "new egress host: arxiv.org", path: "agent.json" }],
  stat: { files: 1, added: 1, removed: 1 },
};
const patch = '@@ -1 +1 @@\n-  "egress": []\n+  "egress": ["arxiv.org\u202E"]\n';
const file = { path: "agent.json", status: "modified", binary: false, added: 1, removed: 1, cut: false, patch };

let host: StubHost;
let folder: string;
let answers: StubHost["answers"];
beforeAll(async () => {
  host = await new StubHost().start();
  folder = host.folder;
});
afterAll(() => host.dispose());
beforeEach(() => {
  host.calls = [];
  host.answers = answers = {
    show: { approval: request, base_sha: "b".repeat(40), files: [file], cut: false },
    approve: { approval: { ...request, seq: 101, state: "approved" } },
  };
});
const hivectl = (...args: string[]) => cliInside("--socket", host.socket, ...args);
const called = (name: OperationName) => host.called(name);

describe("reading", () => {
  test("show prints requester, change, risks and diff, with hidden characters made visible", async () => {
    const { code, out } = await hivectl("show", "12");
    expect(code).toBe(0);
    for (const words of [
      "#12 config change of scout",
      "!! new egress host: arxiv.org",
      "── modified  agent.json",
      '+  "egress": ["arxiv.org⟨U+202E⟩"]',
    ])
      expect(out).toContain(words);
    expect(out).not.toContain("\u202E");
    expect(called("show")).toEqual({ id: 12, base: "decision" });
    await hivectl("show", "#12", "--base", "parent");
    expect(host.calls.at(-1)?.input).toEqual({ id: 12, base: "parent" });
  });

  test("as JSON it is the answer, with nothing in it that could steer a terminal", async () => {
    const { out } = await hivectl("show", "12", "--json");
    expect(out).toContain("\\u202e");
    expect(JSON.parse(out)).toMatchObject({ approval: request, files: [{ patch }] });
  });

  test("requests and deploys are tables", async () => {
    const failed = { ...request, id: 11, state: "failed", error: "no such module" };
    answers.approvals = { approvals: [request, failed] };
    const { out } = await hivectl("requests", "@scout", "-n", "5");
    expect(out).toMatch(/12 +scout +config change +pending .*1 risk/);
    expect(out).toMatch(/11 +scout +config change +failed .*no such module/);
    expect(called("approvals")).toEqual({ agent: "scout", limit: 5 });
    answers.deploys = { deploys: [{ id: 7, state: "deployed", sha, at, origin: "request", by: "operator", runs: true }] };
    expect((await hivectl("deploys", "scout")).out).toMatch(/● +7 +deployed +3f2a91c04d1e/);
  });

  test("what the ledger locks, and who did what", async () => {
    answers.meta = { head: sha, inputs: [{ name: "agent-scout", rev: sha, modified_at: at, rebuilds: ["scout"] }] };
    expect((await hivectl("meta")).out).toMatch(/^meta 3f2a91c04d1e\nINPUT[^\n]*\nagent-scout +3f2a91c04d1e .*scout\n$/);
    const unshown = ["long.txt", "a\u001Bb"];
    const entry = { at, actor: "operator", kind: "approved", agent: "scout" };
    answers.audit = {
      entries: [
        { ...entry, seq: 9, request: 12, sha, detail: { by: "x\u001B[2J" } },
        { ...entry, seq: 8, request: 11, reason: "read it", detail: { digest: "d1", unshown } },
      ],
    };
    const { out } = await hivectl("audit", "scout", "--request", "12", "--kind", "approved");
    expect(out).toMatch(/#11 +read it digest=d1\n/);
    expect(out).toMatch(/#11 was approved with files that were not shown whole:\n {2}long.txt\n {2}a␛b\n$/);
    expect(out).toMatch(/9 +\d\d-\d\d \d\d:\d\d:\d\d +operator +approved +scout +#12 +3f2a91c04d1e +by=x␛\[2J\n/);
    expect(called("audit")).toEqual({ agent: "scout", request: 12, kind: "approved", limit: 50 });
  });

  test("check reports broken invariants, and ends with 1", async () => {
    const finding = { invariant: 1, what: "a deployed tag is locked", ok: true, problems: [], checked: 4 };
    answers.check = { holds: true, findings: [finding] };
    expect(await hivectl("check")).toMatchObject({
      code: 0,
      out: "✓ 1  a deployed tag is locked (4 checked)\nall invariants hold\n",
    });
    answers.check = { holds: false, findings: [{ ...finding, ok: false, problems: ["scout: deployed/7 is not locked"] }] };
    const { code, out } = await hivectl("check");
    expect(code).toBe(1);
    expect(out).toContain("✗ 1  a deployed tag is locked (4 checked)\n     scout: deployed/7 is not locked");
  });
});

describe("approving", () => {
  test("files that are not shown have to be named, with any other option; they can be read to their end", async () => {
    const files = [
      { ...file, path: "A-notes.txt", status: "added", cut: true },
      { ...file, path: "b.md", status: "added", binary: true, patch: undefined },
      { ...file, path: "gone", status: "deleted", binary: true, patch: undefined },
    ];
    const risks = [{ level: "danger", kind: "cut", text: "not shown whole: 1 of 2 changed lines", path: "A-notes.txt" }];
    answers.show = { approval: { ...request, risks }, files, cut: true };
    answers.show_file = ({ after }: Record<string, unknown>) =>
      after === 0 ? { text: "@@ -0,0 +1,2 @@\n+one\n", next: 22 } : { text: "+two\u{E0041}\n" };
    answers.approvals = { approvals: [{ ...request, risks }] };
    answers.changes = { changes: [] };
    answers.pending = {
      approvals: [{ id: 12, agent: "scout", kind: "apply_commit", commit_ref: sha, requested_at: at, status: "pending" }],
    };
    answers.budget = { time_zone: "UTC", rows: [], over: [] };
    answers.messages = { messages: [] };
    expect((await hivectl("pending")).out).toContain("1 risk, not all shown");
    const { out } = await hivectl("show", "12");
    for (const words of ["!! not shown whole: 1 of 2 changed lines", "not text: it is not shown", "--unshown"])
      expect(out).toContain(words);
    expect((await hivectl("show", "12", "--file", "A-notes.txt")).out).toBe("@@ -0,0 +1,2 @@\n+one\n+two⟨U+E0041⟩\n");
    for (const given of [["--yes"], ["--sha", sha], ["--yes", "--unshown", "b.md"], ["--yes", "--json"]]) {
      const said = await hivectl("approve", "12", ...given);
      expect(said).toMatchObject({ code: 1, err: expect.stringContaining("A-notes.txt (too long)") as string });
      expect(said.err).not.toContain("gone");
    }
    expect(called("approve")).toBeUndefined();
    expect(await hivectl("approve", "12", "-y", "--unshown", "A-notes.txt", "-u", "b.md")).toMatchObject({ code: 0 });
    expect(called("approve")).toEqual({ id: 12, sha, digest, unshown: ["A-notes.txt", "b.md"] });
  });

  test("without a terminal the answer has to come with the command", async () => {
    const said = await hivectl("approve", "12");
    expect(said).toMatchObject({ code: 2, err: expect.stringContaining("--sha <commit> or --yes") as string });
    expect(called("approve")).toBeUndefined();
  });

  test("on a terminal it shows the request and asks", async () => {
    const no = await host.onTerminal("n\n", "approve", "12");
    expect(no).toMatchObject({ code: 1, out: expect.stringContaining("nothing is changed") as string });
    expect(no.out).toContain("new egress host: arxiv.org");
    expect(no.out).toContain('+  "egress": ["arxiv.org');
    expect(called("approve")).toBeUndefined();
    const yes = await host.onTerminal("y\n", "approve", "12");
    expect(yes).toMatchObject({ code: 0, out: expect.stringContaining("#12 approved") as string });
    expect(called("approve")).toEqual({ id: 12, sha, digest });
  });

  test.each(["y\n", "y", "y\ny\ny\n"])("%j that was typed before the question is no answer to it", async (early) => {
    const said = await host.typedAhead(early, "n\n", "approve", "12");
    expect(said).toMatchObject({ code: 1, out: expect.stringContaining("nothing is changed") as string });
    expect(called("approve")).toBeUndefined();
  });

  test("on a terminal a diff that is longer than the screen is read by page before it asks", async () => {
    const long = `@@ -0,0 +1,60 @@\n${Array.from({ length: 60 }, (_, n) => `+rule ${n}\n`).join("")}`;
    answers.show = {
      approval: request,
      files: [{ path: "INSTRUCTIONS.md", status: "added", binary: false, cut: false, added: 60, removed: 0, patch: long }],
      cut: false,
    };
    const stopped = await host.onTerminal(["\n", "q\n"], "approve", "12");
    expect(stopped).toMatchObject({ code: 1, out: expect.stringContaining("nothing is changed") as string });
    expect(stopped.out).not.toContain("+rule 59");
    expect(stopped.out).not.toContain("[y/N]");
    expect(called("approve")).toBeUndefined();
    const yes = await host.onTerminal(["\n", "\n", "\n", "y\n"], "approve", "12");
    expect(yes.out.indexOf("+rule 59")).toBeLessThan(yes.out.indexOf("[y/N]"));
    expect(yes).toMatchObject({ code: 0, out: expect.stringContaining("+rule 59") as string });
    expect(called("approve")).toEqual({ id: 12, sha, digest });
  });

  test("is bound to what was shown: sha and digest are sent with the approval", async () => {
    expect(await hivectl("approve", "12", "--yes")).toMatchObject({ code: 0 });
    expect(called("approve")).toEqual({ id: 12, sha, digest });
    answers.approve = new HiveError("conflict", "what runs has changed since, look again");
    expect(await hivectl("approve", "12", "--yes")).toMatchObject({
      code: 1,
      err: "hivectl: what runs has changed since, look again\n",
    });
  });

  test("--sha approves that commit and no other", async () => {
    expect(await hivectl("approve", "12", "--sha", sha.slice(0, 12))).toMatchObject({ code: 0 });
    host.calls = [];
    expect(await hivectl("approve", "12", "--sha", "000000000000")).toMatchObject({
      code: 1,
      err: expect.stringContaining(`is of commit ${sha}`) as string,
    });
    // Another commit can be made with the same seven digits.
    for (const given of ["main", sha.slice(0, 11)])
      expect(await hivectl("approve", "12", "--sha", given)).toMatchObject({
        code: 2,
        err: expect.stringContaining("12 to 40 hex digits") as string,
      });
    expect(called("approve")).toBeUndefined();
  });

  test.each([
    ["deployed", 0],
    ["failed", 1],
  ] as const)("--wait follows it until it is %s and ends with %i", async (state, code) => {
    const steps = ["building", "activating", state].map((one, n) => ({ ...request, seq: 102 + n, state: one }));
    answers.show = () => {
      const before = called("approve") === undefined ? request : { ...request, seq: 101, state: "approved" };
      return { approval: before, files: [], cut: false };
    };
    answers.watch = (async function* () {
      yield {};
      for (const approval of steps) yield { event: { kind: "approval", seq: approval.seq, approval } };
    })();
    const said = await hivectl("approve", "12", "--yes", "--wait");
    expect(said.out).toMatch(new RegExp(`approved\nbuilding\nactivating\n${state}\n$`));
    expect(said.code).toBe(code);
    expect(called("watch")).toMatchObject({ after: 101, kinds: ["approval"] });
  });

  test("deny takes a note, cancel withdraws the request", async () => {
    answers.deny = { approval: { ...request, state: "denied" } };
    answers.cancel_request = { approval: { ...request, state: "cancelled" } };
    expect(await hivectl("deny", "12", "--note", "not this week")).toMatchObject({
      code: 0,
      out: "#12 denied; hm1nd is notified\n",
    });
    expect(called("deny")).toEqual({ id: 12, note: "not this week" });
    expect(await hivectl("cancel-request", "12")).toMatchObject({ code: 0, out: "#12 cancelled\n" });
    expect(called("cancel_request")).toEqual({ request: 12 });
  });
});

describe("requesting", () => {
  test("request-spawn and a commit of the proposed repo", async () => {
    answers.request_spawn = { request: 13, risks: [] };
    answers.propose = { request: 14, risks: [] };
    expect((await hivectl("request-spawn", "ada", "-d", "counts")).out).toContain("#13 waits for approval");
    expect(called("request_spawn")).toEqual({ name: "ada", description: "counts" });
    host.calls = [];
    await hivectl("request-spawn", "ada", "--repo", "web", "--repo", "docs:read");
    const repos = [
      { name: "web", access: "write" },
      { name: "docs", access: "read" },
    ];
    expect(called("request_spawn")).toEqual({ name: "ada", repos });
    expect((await hivectl("request-spawn", "ada", "--repo", "web:all")).err).toContain("alone or with :read or :write");
    expect((await hivectl("propose", "hm1nd", sha, "-d", "why")).out).toContain("#14 waits for approval");
    expect(called("propose")).toEqual({ agent: "hm1nd", commit: sha, description: "why" });
    host.calls = [];
    expect(await hivectl("propose", "hm1nd", "3f2a91c")).toMatchObject({
      code: 2,
      err: expect.stringContaining("all 40 digits") as string,
    });
    expect(await hivectl("propose", "hm1nd", "no-such-folder")).toMatchObject({ code: 2 });
    expect(host.calls).toEqual([]);
  });

  test("marks are printed at once, and --from proposes the config of an earlier request", async () => {
    const risks = [
      { level: "info", kind: "model", text: "model: sonnet → opuss", path: "agent.json" },
      { level: "warn", kind: "model", text: '"opuss" is not on the list; did you mean opus?', path: "agent.json" },
    ];
    answers.request_spawn = { request: 13, risks };
    answers.propose = { request: 14, risks };
    answers.config = {
      files: [
        { path: "agent.json", mode: "100644", text: "{}" },
        { path: "x", mode: "100755", text: "?", base64: "/w==" },
      ],
    };
    for (const words of [
      ["request-spawn", "ada"],
      ["propose", "scout", "--from", "12"],
    ]) {
      expect((await hivectl(...words)).out).toMatch(/approve 1[34]`\n ! "opuss" is not on the list; did you mean opus\?/);
      expect(JSON.parse((await hivectl(...words, "--json")).out)).toMatchObject({ risks });
    }
    expect(called("config")).toEqual({ name: "scout", request: 12 });
    expect(called("propose")).toEqual({
      agent: "scout",
      files: [
        { path: "agent.json", mode: "100644", base64: "e30=" },
        { path: "x", mode: "100755", base64: "/w==" },
      ],
    });
    for (const words of [["scout"], ["scout", sha, "--from", "12"]])
      expect(await hivectl("propose", ...words)).toMatchObject({
        code: 2,
        err: expect.stringContaining("--from <id>") as string,
      });
  });

  test("a folder is proposed with its modes and links, without its .git", async () => {
    answers.propose = { request: 14, risks: [] };
    const tree = join(folder, "tree");
    mkdirSync(join(tree, "sub", "deep"), { recursive: true });
    mkdirSync(join(tree, ".git"));
    writeFileSync(join(tree, ".git", "config"), "x");
    writeFileSync(join(tree, "agent.json"), "{}");
    writeFileSync(join(tree, "sub", "deep", "run"), "#!/bin/sh\n");
    chmodSync(join(tree, "sub", "deep", "run"), 0o755);
    symlinkSync("agent.json", join(tree, "link"));
    expect(await hivectl("propose", "scout", tree)).toMatchObject({ code: 0 });
    const b64 = (text: string): string => Buffer.from(text).toString("base64");
    expect(called("propose")).toEqual({
      agent: "scout",
      files: [
        { path: "agent.json", mode: "100644", base64: b64("{}") },
        { path: "link", mode: "120000", base64: b64("agent.json") },
        { path: "sub/deep/run", mode: "100755", base64: b64("#!/bin/sh\n") },
      ],
    });
  });

  test("rollback, rebuild, update, force and meta-update", async () => {
    answers.rollback = { request: 15 };
    expect((await hivectl("rollback", "scout", "7")).out).toBe("#15 takes scout back to deploy 7\n");
    expect(called("rollback")).toEqual({ agent: "scout", id: 7 });
    answers.rebuild = { request: 16 };
    expect((await hivectl("rebuild", "scout", "--json")).out).toBe('{"results":[{"name":"scout","ok":true,"request":16}]}\n');
    answers.update = { results: [{ name: "scout", ok: true }] };
    expect(await hivectl("update", "--all")).toMatchObject({ code: 0 });
    expect(called("update")).toEqual({ scope: { all: true }, wait: false });
    answers.deploy_force = { approval: { ...request, state: "activating" } };
    expect((await hivectl("force", "12")).out).toBe("#12 does not wait\n");
    answers.meta_update = { results: [{ name: "scout", ok: false, error: "it is busy" }] };
    expect(await hivectl("meta-update", "hyperhive")).toMatchObject({
      code: 4,
      out: "",
      err: "hivectl: 1 of 1 failed\n  scout: it is busy\n",
    });
    expect(called("meta_update")).toEqual({ inputs: ["hyperhive"], wait: false });
  });

  test("of several agents each is reported, with a suggestion for an unknown name; the code is 4", async () => {
    answers.list = { agents: ["hm1nd", "scout"] };
    answers.rebuild = ({ name }: Record<string, unknown>) => {
      if (name !== "scout") throw new HiveError("not_found", `agent "${String(name)}" is not managed by this hive`);
      return { request: 16 };
    };
    const said = await hivectl("rebuild", "scout", "scuot");
    expect(said.code).toBe(4);
    expect(said.out).toMatch(/^scout is rebuilt.*\n$/);
    expect(said.err).toBe('hivectl: 1 of 2 failed\n  scuot: agent "scuot" is not managed by this hive; did you mean scout?\n');
    expect(await hivectl("rebuild", "scuot")).toMatchObject({
      code: 1,
      err: expect.stringContaining("did you mean scout?") as string,
    });
    expect(await hivectl("rebuild")).toMatchObject({ code: 2 });
    expect(await hivectl("rebuild", "scout", "--all")).toMatchObject({ code: 2 });
  });
});
