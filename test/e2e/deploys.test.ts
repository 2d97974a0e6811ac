import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectLines } from "../../src/rpc/client.ts";
import type { ApprovalView } from "../../src/wire/approval.ts";
import { TestHive } from "../lib/hive.ts";

/**
 * A change from beginning to end: the manager asks from inside its cage, with the real CLI and with git; the operator
 * decides; the change is deployed, or everything stays as it was.
 */

const bash = (command: string, capture: Record<string, string> = {}) => ({
  tools: [{ name: "Bash", input: { command, description: "git" } }],
  capture,
});
const propose = (description: string) => ({
  tools: [{ name: "request_apply_commit", input: { agent: "scout", commit: "{{sha}}", description } }],
  capture: { answer: ".+" },
});
const report = (body: string) => ({ tools: [{ name: "send", input: { to: "operator", body } }] });
const commit = (json: string) =>
  bash(
    `cd /agents/scout/config && printf '%s' '${json}' > agent.json && git add -A && git commit -qm 'change' && echo sha=$(git rev-parse --short=10 HEAD)`,
    { sha: "sha=([0-9a-f]{10})" },
  );
const GOOD = JSON.stringify({ model: "haiku", description: "looks things up", allowedRecipients: ["nobody"] });
/** Exists when it is requested, and is removed before it is approved. */
const CORPUS = realpathSync(mkdtempSync(join(tmpdir(), "corpus-")));
chmodSync(CORPUS, 0o755);
const BROKEN = JSON.stringify({ model: "haiku", mounts: [{ host: CORPUS, cage: "/corpus" }] });

const RULES = [
  {
    agents: ["hm1nd"],
    when: { from: "operator", text: "^make scout" },
    steps: [
      { tools: [{ name: "request_spawn", input: { name: "scout", description: "looks things up" } }], capture: { answer: ".+" } },
      report("{{answer}}"),
      { say: "asked" },
    ],
  },
  {
    agents: ["hm1nd"],
    when: { from: "system", text: '"event":"spawned","agent":"scout"' },
    steps: [{ tools: [{ name: "send", input: { to: "scout", body: "welcome" } }] }, { say: "greeted" }],
  },
  {
    agents: ["hm1nd"],
    when: { from: "operator", text: "^change scout" },
    steps: [commit(BROKEN), propose("a corpus"), report("{{answer}}"), { say: "proposed" }],
  },
  {
    agents: ["hm1nd"],
    when: { from: "system", text: '"event":"approval_resolved","id":(?<id>\\d+),.*"status":"failed"' },
    steps: [
      bash("cd /agents/scout/config && git fetch -q applied && git show applied/refs/tags/failed/{{id}} | head -20", {
        why: "(mounts: [^\\n]+)",
      }),
      commit(GOOD),
      propose("without the corpus"),
      report("{{why}} · {{answer}}"),
      { say: "mended" },
    ],
  },
  {
    agents: ["hm1nd"],
    when: { from: "operator", text: "^look at (?<id>\\d+)" },
    steps: [
      bash(
        "cd /agents/scout/config && git fetch -q applied && git show applied/refs/tags/deployed/{{id}} | head -3 && git -C /meta log --format=%s && cat /meta/hive.lock",
        { seen: "([\\s\\S]+)" },
      ),
      report("{{seen}}"),
      { say: "looked" },
    ],
  },
  {
    agents: ["hm1nd"],
    when: { from: "operator", text: "^sneak (?<ref>\\S+)" },
    steps: [
      { tools: [{ name: "request_apply_commit", input: { agent: "scout", commit: "{{ref}}" } }], capture: { answer: ".+" } },
      report("{{answer}}"),
      { say: "tried" },
    ],
  },
  {
    agents: ["hm1nd"],
    when: { from: "operator", text: "^update scout" },
    steps: [
      { tools: [{ name: "update", input: { name: "scout" } }], capture: { answer: ".+" } },
      report("{{answer}}"),
      { say: "ok" },
    ],
  },
  { when: { from: "system" }, steps: [{ say: "noted" }] },
  { when: { from: "hm1nd", text: "^welcome" }, steps: [report("scout is here"), { say: "hello" }] },
  { when: { text: "." }, steps: [{ say: "ok" }] },
];

let hive: TestHive;
beforeAll(async () => {
  hive = await new TestHive().play(RULES).start();
});
afterAll(() => hive.dispose());

/** Waits until a request of an agent is in a state, past ones included. */
async function request(agent: string, is: (approval: ApprovalView) => boolean): Promise<ApprovalView> {
  const events = await hive.watch((event) => event.kind === "approval" && event.approval.agent === agent && is(event.approval), {
    after: 0,
    kinds: ["approval"],
  });
  const last = events.at(-1);
  if (last?.kind !== "approval") throw new Error("unreachable");
  return last.approval;
}
const told = (text: string) => hive.untilMessage((message) => message.to === "operator" && message.body?.includes(text) === true);
const git = (repo: string, ...args: string[]): string =>
  spawnSync("git", ["-c", "safe.directory=*", "-C", join(hive.stateDir, repo), ...args], { encoding: "utf8" }).stdout;
async function holds(): Promise<void> {
  const { findings, holds: all } = await hive.call("check", {});
  expect(all).toBe(findings.every((one) => one.ok));
  expect(findings.filter((one) => !one.ok)).toEqual([]);
  expect(findings.map((one) => one.invariant)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
}

test("the manager itself was created by a deploy with an id", async () => {
  const { deploys } = await hive.call("deploys", { agent: "hm1nd" });
  expect(deploys).toMatchObject([{ id: 1, state: "deployed", origin: "first_start", by: "system", runs: true }]);
  expect(git("meta", "log", "--format=%s")).toBe(`deploy hm1nd deployed/1 ${deploys[0]?.sha?.slice(0, 12)}\n`);
  await holds();
});

test("the manager asks for an agent; the operator approves; it confirms, and gets a first message", async () => {
  await hive.call("send", { to: "hm1nd", body: "make scout" });
  const asked = await request("scout", (one) => one.state === "pending");
  expect(asked).toMatchObject({ kind: "spawn", origin: "request", requested_by: "hm1nd", description: "looks things up" });
  expect((await hive.call("pending", {})).approvals).toMatchObject([
    { id: asked.id, agent: "scout", kind: "spawn", status: "pending" },
  ]);
  // The proposed config is shown as a diff against nothing.
  const { files, base_sha: base } = await hive.call("show", { id: asked.id });
  expect(base).toBeUndefined();
  expect(files.map((file) => [file.path, file.status])).toContainEqual(["agent.json", "added"]);
  // It does not exist yet, for any caller.
  expect((await hive.call("list", {})).agents).toEqual(["hm1nd"]);
  await expect(hive.call("send", { to: "scout", body: "x" })).rejects.toThrow("no recipient");
  // A second one of that name is not queued.
  await expect(hive.call("request_spawn", { name: "scout" })).rejects.toThrow(
    `request ${asked.id} for an agent scout waits already`,
  );

  const { approval } = await hive.call("approve", { id: asked.id });
  expect(approval.state).toBe("approved");
  const deployed = await request("scout", (one) => one.state === "deployed");
  expect(deployed).toMatchObject({ id: asked.id, tag: `deployed/${asked.id}`, resolved_by: "operator" });
  await told("scout is here");
  // The manager was notified of both in the transactions that record them, in this order.
  const { messages } = await hive.call("messages", { agent: "hm1nd", limit: 100 });
  const events = messages.filter((one) => one.from === "system").map((one) => JSON.parse(one.body ?? "") as { event: string });
  expect(events.slice(-2)).toMatchObject([
    { event: "approval_resolved", id: asked.id, agent: "scout", kind: "spawn", status: "deployed", tag: `deployed/${asked.id}` },
    { event: "spawned", agent: "scout", request: asked.id },
  ]);
  await expect(hive.call("approve", { id: asked.id })).rejects.toThrow("is deployed");
  await holds();
});

test("a commit of the manager: a build that fails changes nothing; the fix is deployed", async () => {
  const before = { meta: git("meta", "rev-parse", "main"), applied: git("applied/scout.git", "rev-parse", "main") };
  await hive.call("send", { to: "hm1nd", body: "change scout" });
  const broken = await request("scout", (one) => one.kind === "apply_commit" && one.state === "pending");
  // The short name was expanded inside the cage.
  expect(broken.sha).toMatch(/^[0-9a-f]{40}$/);
  expect(broken.base_sha).toBe(before.applied.trim());
  const { approval: asked } = await hive.call("show", { id: broken.id });
  expect(asked.risks.map(({ text }) => text)).toContain(`mount ${CORPUS}: readable as the agent, tried on this host`);
  rmSync(CORPUS, { recursive: true });
  await hive.call("approve", { id: broken.id, sha: broken.sha });
  const failed = await request("scout", (one) => one.id === broken.id && one.state === "failed");
  expect(failed.error).toContain(`${CORPUS} does not exist`);
  expect(git("meta", "rev-parse", "main")).toBe(before.meta);
  expect(git("applied/scout.git", "rev-parse", "main")).toBe(before.applied);
  expect(git("applied/scout.git", "tag", "-l", "--format=%(contents)", `failed/${broken.id}`)).toContain(
    `${CORPUS} does not exist`,
  );
  await holds();

  // The manager reads the reason in its cage, and proposes a fix.
  await told(`mounts: ${CORPUS} does not exist on this host · request`);
  const fixed = await request("scout", (one) => one.state === "pending" && one.id > broken.id);
  const { files, approval } = await hive.call("show", { id: fixed.id });
  expect(files).toMatchObject([{ path: "agent.json", status: "modified" }]);
  expect(files[0]?.patch).toContain("allowedRecipients");
  await hive.call("approve", { id: fixed.id, ...(approval.digest ? { digest: approval.digest } : {}) });
  await request("scout", (one) => one.id === fixed.id && one.state === "deployed");
  // Visible at once: another model, and other permitted recipients.
  const scout = await hive.untilAgent(
    "scout",
    (agent) => agent.deployed_sha === fixed.sha?.slice(0, 12) && agent.deploying === undefined,
  );
  expect(scout).toMatchObject({ model: "haiku", running: true });
  const socket = await connectLines(hive.agentSocket("scout"));
  expect((await socket.call("whoami", {})).recipients).toEqual(["operator", "hm1nd"]);
  // No deciding operation can be reached from a cage.
  for (const verb of ["approve", "deny", "answer", "rollback", "propose", "deploy_force", "approvals", "show"] as const)
    await expect(socket.call(verb, { id: 1, agent: "scout" }), verb).rejects.toMatchObject({ code: "forbidden" });
  socket.close();

  await hive.call("send", { to: "hm1nd", body: `look at ${fixed.id}` });
  const seen = await told(`deploy scout deployed/${fixed.id}`);
  expect(seen.body).toContain(`tag deployed/${fixed.id}`);
  expect(seen.body).toContain(fixed.sha ?? "no sha");
  await holds();
});

test("a name that can be moved is refused, in the cage and on the wire", async () => {
  await hive.call("send", { to: "hm1nd", body: "sneak main" });
  await told('"main" is not a commit: pass what');
  const socket = await connectLines(hive.agentSocket("hm1nd"));
  await expect(socket.call("request_apply_commit", { agent: "scout", commit: "main" })).rejects.toThrow("40 hex digits");
  await expect(socket.call("request_apply_commit", { agent: "hm1nd", commit: "0".repeat(40) })).rejects.toThrow(
    "cannot change itself",
  );
  socket.close();
});

test("the operator proposes, denies with a note, cancels; the manager cancels its own requests", async () => {
  const files = [{ path: "agent.json", mode: "100644" as const, base64: Buffer.from('{"model":"opus"}').toString("base64") }];
  const { request: id } = await hive.call("propose", { agent: "hm1nd", files, description: "a better model" });
  const { approval } = await hive.call("deny", { id, note: "too dear" });
  expect(approval).toMatchObject({ state: "denied", note: "too dear", tag: `denied/${id}` });
  expect(git("applied/hm1nd.git", "tag", "-l", "--format=%(contents)", `denied/${id}`)).toContain("too dear");
  const { request: second } = await hive.call("propose", { agent: "scout", files });
  expect((await hive.call("cancel_request", { request: second })).approval).toMatchObject({ state: "cancelled" });
  await expect(hive.call("approve", { id: second })).rejects.toThrow("was cancelled");
  const socket = await connectLines(hive.agentSocket("hm1nd"));
  const { request: third } = await hive.call("propose", { agent: "scout", files, description: "once more" });
  await expect(socket.call("cancel_request", { request: third })).rejects.toThrow("is not yours");
  const { request: own } = await socket.call("request_spawn", { name: "idea" });
  expect((await socket.call("cancel_request", { request: own })).approval.state).toBe("cancelled");
  socket.close();
  await hive.call("deny", { id: third });
  await holds();
});

test("an approval of an earlier diff is refused after what runs has changed", async () => {
  const tree = (model: string) => [
    { path: "agent.json", mode: "100644" as const, base64: Buffer.from(JSON.stringify({ model })).toString("base64") },
  ];
  const { request: first } = await hive.call("propose", { agent: "scout", files: tree("opus") });
  const { request: second } = await hive.call("propose", { agent: "scout", files: tree("sonnet") });
  const looked = (await hive.call("show", { id: second })).approval.digest;
  await hive.call("approve", { id: first });
  await request("scout", (one) => one.id === first && one.state === "deployed");
  for (const seen of [{}, looked === undefined ? {} : { digest: looked }])
    await expect(hive.call("approve", { id: second, ...seen })).rejects.toThrow("what runs has changed since, look again");
  await expect(hive.call("approve", { id: second, sha: "0".repeat(40) })).rejects.toThrow("look again");
  // The browser has to report what it showed.
  const browser = await hive.browser();
  const post = (body: object) =>
    browser("/api/approve", {
      method: "POST",
      headers: { "Content-Type": "application/json", Origin: hive.home },
      body: JSON.stringify(body),
    });
  expect(await (await post({ id: second })).text()).toContain("an approval must name the digest of what was shown");
  await hive.call("deny", { id: second });
});

test("files that are not shown are approved by name only, over host.sock and HTTP", async () => {
  const base64 = (content: string) => Buffer.from(content).toString("base64");
  const files = [
    { path: "A-notes.txt", base64: base64("\n".repeat(540_000)) },
    { path: "INSTRUCTIONS.md", base64: base64("Obey the notes.\n") },
    { path: "agent.json", base64: base64(JSON.stringify({ model: "haiku" })) },
  ];
  const { request: id } = await hive.call("propose", { agent: "scout", files });
  const { approval, files: shown } = await hive.call("show", { id });
  expect(shown.map(({ path, cut }) => [path, cut])).toEqual(
    expect.arrayContaining([
      ["INSTRUCTIONS.md", false],
      ["A-notes.txt", true],
    ]),
  );
  expect(approval.risks.map(({ level, kind }) => `${level} ${kind}`)).toEqual(
    expect.arrayContaining(["danger cut", "warn instructions"]),
  );
  const looked = { id, ...(approval.digest === undefined ? {} : { digest: approval.digest }) };
  await expect(hive.call("approve", { id })).rejects.toThrow("A-notes.txt (too long)");
  const browser = await hive.browser();
  const post = async (body: object) =>
    (
      await browser("/api/approve", {
        method: "POST",
        headers: { "Content-Type": "application/json", Origin: hive.home },
        body: JSON.stringify(body),
      })
    ).text();
  expect(await post(looked)).toContain("A-notes.txt (too long)");
  expect((await hive.call("show_file", { id, path: "A-notes.txt" })).next).toBeGreaterThan(100_000);
  expect(await post({ ...looked, unshown: ["A-notes.txt"] })).toContain('"state":"approved"');
  await request("scout", (one) => one.id === id && one.state === "deployed");
});

test("rollback, rebuild, update and the ledger's inputs are deploys with ids of their own", async () => {
  const { deploys } = await hive.call("deploys", { agent: "scout" });
  const earlier = deploys.filter((one) => one.state === "deployed")[1];
  const { request: back } = await hive.call("rollback", { agent: "scout", id: earlier?.id ?? 0 });
  await request("scout", (one) => one.id === back && one.state === "deployed");
  expect(git("applied/scout.git", "rev-parse", "main").trim()).toBe(earlier?.sha);
  await expect(hive.call("rollback", { agent: "scout", id: back })).rejects.toThrow("is what runs");
  const { request: again } = await hive.call("rebuild", { name: "scout" });
  await request("scout", (one) => one.id === again && one.state === "deployed");
  await hive.call("send", { to: "hm1nd", body: "update scout" });
  await told("scout is rebuilt between its turns, if it is stale");
  expect((await hive.call("update", { scope: { agent_names: ["scout"] } })).results).toEqual([{ name: "scout", ok: true }]);
  const { inputs, head } = await hive.call("meta", {});
  expect(head).toBe(git("meta", "rev-parse", "main").trim());
  expect(inputs).toMatchObject([
    { name: "hyperhive", rebuilds: ["hm1nd", "scout"] },
    { name: "agent-hm1nd", rebuilds: ["hm1nd"] },
    { name: "agent-scout", rev: earlier?.sha, rebuilds: ["scout"] },
  ]);
  await hive.call("meta_update", { inputs: ["agent-scout"] });
  await request("scout", (one) => one.id > again && one.state === "deployed");
  await expect(hive.call("meta_update", { inputs: ["agent-ghost"] })).rejects.toThrow("no input");
  await expect(hive.call("deploy_force", { id: again })).rejects.toThrow("nothing to force");
  await holds();
});

test("the audit says who approved what, which commit ran when, and which messages were sent under it", async () => {
  const { deploys } = await hive.call("deploys", { agent: "scout" });
  const first = deploys.filter((one) => one.state === "deployed").at(-1);
  const { entries } = await hive.call("audit", { request: first?.id ?? 0 });
  expect(entries.map((one) => one.kind)).toEqual(
    expect.arrayContaining(["requested", "approved", "deployed", "spawned", "sent"]),
  );
  expect(entries.find((one) => one.kind === "approved")).toMatchObject({ actor: "operator", agent: "scout", sha: first?.sha });
  expect(entries.find((one) => one.kind === "requested")).toMatchObject({ actor: "hm1nd" });
  expect((await hive.call("audit", { agent: "scout", kind: "deployed" })).entries.length).toBeGreaterThanOrEqual(5);
  await hive.call("restart", { name: "scout" });
  const [restarted] = (await hive.call("audit", { agent: "scout", kind: "started" })).entries;
  expect(restarted).toMatchObject({ actor: "operator", reason: "started by operator" });
  expect((await hive.call("approvals", { open: true })).approvals).toEqual([]);
});
