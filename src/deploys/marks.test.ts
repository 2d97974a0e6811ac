import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "../../test/lib/system.ts";
import { approvalHandlers } from "../daemon/handlers/approvals.ts";
import { lifecycleHandlers } from "../daemon/handlers/lifecycle.ts";
import { readHandlers } from "../daemon/handlers/read.ts";
import { AgentConfig } from "../wire/config.ts";
import type { ApprovalView, TreeFile } from "../wire/approval.ts";
import { deployRows } from "./history.ts";
import type { HiveEvent } from "../wire/event.ts";
import type { Output, Parsed } from "../wire/operations.ts";

/** Tests of what lists and pages show of a request while the running config changes, and after the decision. */

let system: TestSystem;
let events: HiveEvent[] = [];
beforeAll(async () => {
  system = await openTestSystem();
  system.context.feed.publish = (event) => void events.push(event);
  await system.firstStart();
  await spawn("ada");
});
afterAll(() => system.close());

const spawn = async (name: string) => system.through((await system.requests.spawn({ name, by: "operator", origin: "spawn" })).id);
function propose(config: object, notes: string) {
  const text = (path: string, content: string): TreeFile => ({
    path,
    mode: "100644",
    base64: Buffer.from(content).toString("base64"),
  });
  const files = [text("agent.json", JSON.stringify(config)), text("notes.md", notes)];
  return system.requests.proposeFiles({ agent: "ada", files, by: "operator" });
}
async function deploy(config: object, notes: string): Promise<number> {
  const { id } = await propose(config, notes);
  await system.decisions.approve(id, {}, { by: "operator", digestNeeded: false });
  await system.through(id);
  return id;
}
const view = (id: number): ApprovalView => system.requestStore.view(system.requestStore.get(id));
const texts = (id: number): string[] => view(id).risks.map(({ text }) => text);
const running = () => system.swarm.byName("ada").record.deployedSha;
/** The daemon's answer. */
async function show(id: number, base: Parsed<"show">["base"] = "decision"): Promise<Output<"show">> {
  return approvalHandlers.show(system.system, { id, base }, { kind: "operator" } as never);
}
async function configOf(input: Parsed<"config">): Promise<Output<"config">> {
  return readHandlers.config(system.system, input, { kind: "operator" } as never);
}
const paths = async (...args: Parameters<typeof show>): Promise<string[]> => (await show(...args)).files.map(({ path }) => path);

test("a decided request shows the change that was decided, whatever runs now", async () => {
  await deploy({}, "one\n");
  const before = running();
  const denied = await propose({ egress: ["a.example"] }, "denied\n");
  const cancelled = await propose({}, "cancelled\n");
  const deployed = await deploy({ egress: ["b.example"] }, "two\n");
  const between = running();
  await system.decisions.deny(denied.id, "no", "operator");
  await system.decisions.cancel(cancelled.id, "operator");
  await deploy({ egress: ["a.example"] }, "denied\n");

  expect(await paths(denied.id, "running")).toEqual([]);
  expect(await paths(deployed)).toEqual(["agent.json", "notes.md"]);
  expect((await show(deployed)).base_sha).toBe(before);
  expect(view(deployed).base_sha).toBe(before);
  expect(texts(deployed)).toEqual(["new egress host: b.example"]);
  // They were requested against the first and decided against the second.
  for (const { id } of [denied, cancelled]) {
    expect(await show(id)).toMatchObject({ base_sha: between, approval: { base_sha: between } });
    expect(await paths(id)).toEqual(["agent.json", "notes.md"]);
    expect((await show(id, "requested")).base_sha).toBe(before);
    expect((await show(id, "running")).base_sha).toBe(running());
  }
  expect(texts(denied.id)).toEqual(["new egress host: a.example"]);
});

test("a new agent's request still shows everything as new once it runs", async () => {
  const { id } = await system.requests.spawn({ name: "bob", by: "operator", origin: "request" });
  const asked = await paths(id);
  await system.decisions.approve(id, {}, { by: "operator", digestNeeded: false });
  await system.through(id);
  expect(await paths(id)).toEqual(asked);
  expect(await show(id)).not.toHaveProperty("base_sha");
});

test("marks and figures of a pending request follow another deploy and a rollback, and every list is notified", async () => {
  const first = await deploy({}, "first\n");
  const { id } = await propose({ egress: ["a.example", "b.example"] }, "one\n");
  const both = ["new egress host: a.example", "new egress host: b.example"];
  const asked = view(id);
  expect(texts(id)).toEqual(both);

  const isTold = (): void => {
    const published = events.findLast((event) => event.kind === "approval" && event.approval.id === id);
    expect(published).toMatchObject({ approval: view(id) });
  };
  await deploy({ egress: ["a.example"] }, "one\n");
  expect(texts(id)).toEqual(["new egress host: b.example"]);
  expect(view(id)).toMatchObject({ base_sha: running(), stat: { files: 1, added: 1, removed: 1 } });
  isTold();
  expect((await show(id)).approval).toEqual(view(id));

  await system.through((await system.requests.rollback("ada", first, "operator")).id);
  expect(view(id)).toMatchObject({ base_sha: running(), stat: asked.stat, risks: asked.risks });
  isTold();
  await system.decisions.cancel(id, "operator");
});

test("a request that does not follow what runs is refused at the approval with instructions", async () => {
  const { id, sha } = await propose({ egress: ["a.example"] }, "stale\n");
  await deploy({}, "newer\n");
  const { digest } = view(id);
  const refusal = new RegExp(`request ${id} does not follow what runs.*hivectl propose ada --from ${id}`);
  for (const isBrowser of [true, false])
    await expect(system.decisions.approve(id, { sha, digest }, { by: "operator", digestNeeded: isBrowser })).rejects.toThrow(
      refusal,
    );
  expect(view(id).state).toBe("pending");
  // Its files can be proposed again on top of what runs.
  const { files } = await configOf({ name: "ada", request: id });
  expect(files.map(({ path, text }) => [path, text])).toEqual([
    ["agent.json", '{"egress":["a.example"]}'],
    ["notes.md", "stale\n"],
  ]);
  await expect(configOf({ name: "hm1nd", request: id })).rejects.toThrow(`request ${id} is about ada, not hm1nd`);
  await system.decisions.deny(id, "no", "operator");
  expect((await configOf({ name: "ada", request: id })).files).toEqual(files);
  expect((await configOf({ name: "ada" })).files.at(-1)?.text).toBe("newer\n");
});

test("the answer to a proposal and to a spawn has the marks", async () => {
  const operator = { kind: "operator", operator: system.system.operators.host } as never;
  const { request, risks } = await approvalHandlers.request_spawn(system.system, { name: "zed", description: "x" }, operator);
  expect(risks).toEqual(view(request).risks);
  const base64 = Buffer.from('{"model":"gpt-5"}').toString("base64");
  const files = [{ path: "agent.json", mode: "100644" as const, base64 }];
  const asked = await approvalHandlers.propose(system.system, { agent: "ada", files }, operator);
  expect(asked.risks.map(({ text }) => text)).toContain('"gpt-5" is not on the list of models that the hive knows');
  const spawned = await lifecycleHandlers.spawn(
    system.system,
    { name: "gus", config: AgentConfig.parse({ model: "gpt-5" }) },
    operator,
  );
  expect(spawned.risks.map(({ text }) => text)).toContain('"gpt-5" is not on the list of models that the hive knows');
  for (const id of [request, asked.request]) await system.decisions.cancel(id, "operator");
});

test("a proposal that failed its check at once is a request, and no deploy", async () => {
  const { id, state } = await propose({ model: "" }, "one\n");
  expect(state).toBe("failed");
  const listed = deployRows(system.context, { agent: "ada", limit: 100 }).rows.map((row) => row.id);
  expect(listed).not.toContain(id);
  expect(listed.length).toBeGreaterThan(3);
});

test("the marks of a request that names an agent follow that agent's spawn and removal", async () => {
  const { id } = await propose({ allowedRecipients: ["carl"] }, "one\n");
  const unknown = 'allowedRecipients: there is no agent "carl"';
  expect(texts(id)).toContain(unknown);
  await spawn("carl");
  expect(texts(id)).not.toContain(unknown);
  await system.commands.destroy("carl", { purge: false, by: "operator" });
  await system.marksChanged();
  expect(texts(id)).toContain(unknown);
  await system.decisions.cancel(id, "operator");
});

test("the digest belongs to the base of the diff, even if what runs changes while the diff is made", async () => {
  const { id } = await propose({}, "one\n");
  const was = running();
  const { digest } = view(id);
  const repo = system.repos.applied("ada");
  const diff = repo.diff.bind(repo);
  repo.diff = async (...args) => {
    repo.diff = diff;
    await deploy({}, "two\n");
    return diff(...args);
  };
  system.repos.applied = () => repo;
  const shown = await show(id);
  expect(shown.base_sha).toBe(was);
  expect(shown.approval.digest).toBe(digest);
  await expect(
    system.decisions.approve(id, { digest: shown.approval.digest }, { by: "operator", digestNeeded: true }),
  ).rejects.toThrow("look again");
});
