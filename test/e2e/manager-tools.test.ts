import { afterAll, beforeAll, expect, test } from "vitest";
import { connectLines } from "../../src/rpc/client.ts";
import { TestHive } from "../lib/hive.ts";

/**
 * What the manager does to other agents with its tools, through the real CLI: each has its effect, and an audit entry
 * with the manager as actor. The operator's own operations are out of its reach.
 */

const tool = (name: string, input: object) => ({ tools: [{ name, input }], capture: { answer: ".+" } });
const report = { tools: [{ name: "send", input: { to: "operator", body: "{{answer}}" } }] };
const on = (text: string, step: object) => ({
  agents: ["hm1nd"],
  when: { from: "operator", text: `^${text}$` },
  steps: [step, report, { say: "done" }],
});
const RULES = [
  ...["start", "kill", "restart", "update"].flatMap((name) => [
    on(`${name} ada`, tool(name, { name: "ada" })),
    on(`${name} myself`, tool(name, { name: "hm1nd" })),
  ]),
  on("ask for bob", tool("request_spawn", { name: "bob", description: "helps" })),
  on("take back (?<id>\\d+)", tool("cancel_request", { id: "{{id}}" })),
  { when: { from: "system" }, steps: [{ say: "noted" }] },
  { when: { text: "." }, steps: [{ say: "ok" }] },
];
let hive: TestHive;
beforeAll(async () => {
  hive = await new TestHive().play(RULES).start();
  await hive.call("spawn", { name: "ada" });
});
afterAll(() => hive.dispose());

/** Sends the manager a message. Resolves with the answer of its tool. */
async function tell(words: string): Promise<string> {
  const { sent } = await hive.call("send", { to: "hm1nd", body: words });
  const answer = await hive.untilMessage((message) => message.to === "operator" && message.in_reply_to === sent[0]?.id);
  return answer.body ?? "";
}
const up = () => hive.untilAgent("ada", (agent) => agent.state === "idle" && agent.state_reason === undefined);
/** The newest entry of a kind about ada. */
const newest = async (kind: string) => (await hive.call("audit", { agent: "ada", kind, limit: 1 })).entries[0];

test("kill, start and restart: the cage stops and starts, and the audit names the actor", async () => {
  await up();
  const first = (await hive.cage("ada")).init;
  expect(await tell("kill ada")).toContain("ada is stopped");
  expect(await hive.untilAgent("ada", (agent) => agent.state === "offline")).toMatchObject({ running: false });
  expect(await newest("killed")).toMatchObject({ actor: "hm1nd", reason: "by hm1nd" });
  expect(await tell("start ada")).toContain("ada is started");
  await up();
  const second = (await hive.cage("ada")).init;
  expect(second).not.toBe(first);
  expect(await newest("started")).toMatchObject({ actor: "hm1nd", reason: "started by hm1nd" });
  expect(await tell("restart ada")).toContain("ada is restarted");
  await up();
  expect((await hive.cage("ada")).init).not.toBe(second);
  expect(await newest("stopped")).toMatchObject({ actor: "hm1nd", reason: "restarted by hm1nd" });
  // The operator's own actions name the operator.
  await hive.call("restart", { name: "ada" });
  expect(await newest("stopped")).toMatchObject({ actor: "operator", reason: "restarted by operator" });
  await hive.call("kill", { name: "ada" });
  expect(await newest("killed")).toMatchObject({ actor: "operator" });
  await hive.call("start", { scope: { agent_names: ["ada"] } });
  expect(await newest("started")).toMatchObject({ actor: "operator" });
  await up();
});

test("none of them on itself", async () => {
  for (const name of ["start", "kill", "restart", "update"]) expect(await tell(`${name} myself`), name).toContain("itself");
});

test("it cancels its own request; a rebuild and a destroy are the operator's, each with its entry", async () => {
  await tell("ask for bob");
  const [asked] = (await hive.call("approvals", { open: true })).approvals;
  expect(asked).toMatchObject({ agent: "bob", requested_by: "hm1nd", state: "pending" });
  expect(await tell(`take back ${asked?.id}`)).toContain(`request ${asked?.id} is cancelled`);
  const { entries } = await hive.call("audit", { request: asked?.id ?? 0 });
  expect(entries.map(({ kind, actor }) => [kind, actor])).toEqual(
    expect.arrayContaining([
      ["requested", "hm1nd"],
      ["cancelled", "hm1nd"],
    ]),
  );
  const socket = await connectLines(hive.agentSocket("hm1nd"));
  for (const verb of ["rebuild", "destroy", "revive", "spawn", "meta_update"] as const)
    await expect(socket.call(verb, { name: "ada", inputs: ["hyperhive"] }), verb).rejects.toMatchObject({ code: "forbidden" });
  socket.close();
  const { request } = await hive.call("rebuild", { name: "ada" });
  await hive.watch((event) => event.kind === "approval" && event.approval.id === request && event.approval.state === "deployed", {
    after: 0,
    kinds: ["approval"],
  });
  expect(await newest("rebuilt")).toMatchObject({ actor: "operator", request });
  await hive.untilAgent("ada", (agent) => agent.deploying === undefined);
  await hive.call("destroy", { name: "ada" });
  expect(await newest("destroyed")).toMatchObject({ actor: "operator" });
  await hive.call("revive", { name: "ada" });
  expect(await newest("spawned")).toMatchObject({ actor: "operator", reason: "revive" });
});
