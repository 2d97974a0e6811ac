import { afterAll, beforeAll, expect, test } from "vitest";
import type { ApprovalView, RequestState } from "../../src/wire/approval.ts";
import { shortSha } from "../../src/wire/sha.ts";
import { TestHive } from "../lib/hive.ts";

/** The last steps of a deploy: waiting for the turn, the confirmation, and the return to the agent's earlier state. */

const RULES = [
  // Longer than any test takes, because it is always stopped. Only once, so that its redelivery ends at once.
  { when: { text: "^endless" }, once: true, steps: [{ say: "and on ".repeat(300), chunk_ms: 300 }] },
  { when: { text: "^long" }, steps: [{ say: "one two three four five six seven eight nine ten", chunk_ms: 300 }] },
  { when: { from: "system" }, steps: [{ say: "noted" }] },
  {
    when: { text: "." },
    steps: [{ tools: [{ name: "send", input: { to: "operator", body: "{{agent}} heard {{body}}" } }] }, { say: "done" }],
  },
];
let hive: TestHive;
beforeAll(async () => {
  hive = await new TestHive().play(RULES).start({ manager: false });
  await hive.call("spawn", { name: "ada" });
});
afterAll(() => hive.dispose());

let models = 0;
async function propose(agent: string, config: object = { model: `model-${++models}` }): Promise<number> {
  const base64 = Buffer.from(JSON.stringify(config)).toString("base64");
  const { request } = await hive.call("propose", { agent, files: [{ path: "agent.json", mode: "100644", base64 }] });
  return request;
}
async function reaches(id: number, ...states: RequestState[]): Promise<ApprovalView> {
  const events = await hive.watch(
    (event) => event.kind === "approval" && event.approval.id === id && states.includes(event.approval.state),
    { after: 0, kinds: ["approval"] },
  );
  const last = events.at(-1);
  if (last?.kind !== "approval") throw new Error("unreachable");
  return last.approval;
}
const free = (name: string) => hive.untilAgent(name, (agent) => agent.deploying === undefined);
async function holds(): Promise<void> {
  const { findings } = await hive.call("check", {});
  expect(findings.filter((one) => !one.ok)).toEqual([]);
}
/** Sends a message that is answered slowly. Resolves with the message once the answer has begun. */
async function speaking(name: string, body = "long story"): Promise<number> {
  const speaks = hive.watch((event) => event.kind === "delta" && event.agent === name, { kinds: ["delta"] });
  const { sent } = await hive.call("send", { to: name, body });
  await speaks;
  return sent[0]?.id ?? 0;
}

test("a deploy waits for the running turn; meanwhile no other turn begins", async () => {
  const long = await speaking("ada");
  const id = await propose("ada");
  await hive.call("approve", { id });
  await reaches(id, "waiting", "deployed");
  const { sent } = await hive.call("send", { to: "ada", body: "meanwhile" });
  await hive.untilMessage((message) => message.id === long && message.state === "done");
  await reaches(id, "deployed");
  const heard = await hive.untilMessage((message) => message.body === "ada heard meanwhile");
  expect(heard.in_reply_to).toBe(sent[0]?.id);
  const { messages } = await hive.call("messages", { agent: "ada" });
  expect(messages.find((message) => message.id === long)).toMatchObject({ redelivered: false, failures: 0 });
  await holds();
});

test("a forced deploy stops the turn; its message returns to the queue uncounted and the new generation handles it", async () => {
  await free("ada");
  const long = await speaking("ada", "endless");
  const id = await propose("ada");
  await hive.call("approve", { id });
  await reaches(id, "waiting");
  await hive.call("deploy_force", { id });
  await reaches(id, "deployed");
  const done = await hive.untilMessage((message) => message.id === long && message.state === "done");
  expect(done).toMatchObject({ redelivered: true, failures: 0 });
  await holds();
});

test("without a confirmation the deploy fails; the previous generation runs again, with its messages", async () => {
  const before = await free("ada");
  // Less than any program takes to start.
  await hive.crash();
  await hive.start({ env: { HIVE_CONFIRM_SECONDS: "0.01" } });
  const id = await propose("ada", { model: "opus" });
  await hive.call("approve", { id });
  expect((await reaches(id, "failed")).error).toContain("the new generation has not confirmed within 0 s");
  expect(await free("ada")).toMatchObject({ deployed_sha: before.deployed_sha, model: before.model, running: true });
  await hive.call("send", { to: "ada", body: "still there?" });
  await hive.untilMessage((message) => message.body === "ada heard still there?");
  await holds();
  await hive.crash();
  await hive.start();
});

test("a stopped agent and a paused one start without taking messages, confirm, and return to their earlier state", async () => {
  await hive.call("stop", { scope: { agent_names: ["ada"] } });
  await hive.call("send", { to: "ada", body: "for later" });
  const first = await propose("ada");
  await hive.call("approve", { id: first });
  const { sha } = await reaches(first, "deployed");
  expect(await free("ada")).toMatchObject({ state: "offline", running: false, deployed_sha: shortSha(sha ?? ""), unread: 1 });

  await hive.call("set_paused", { name: "ada", paused: true });
  await hive.call("start", { scope: { agent_names: ["ada"] } });
  const second = await propose("ada");
  await hive.call("approve", { id: second });
  await reaches(second, "deployed");
  expect(await free("ada")).toMatchObject({ state: "paused", running: true, unread: 1 });
  await hive.call("set_paused", { name: "ada", paused: false });
  await hive.untilMessage((message) => message.body === "ada heard for later");
  await holds();
});

test("a sleeping agent confirms and stays asleep", async () => {
  await hive.crash();
  hive.env["HIVE_SLEEP_AFTER_SECONDS"] = "0.3";
  await hive.start();
  await hive.untilAgent("ada", (agent) => agent.asleep);
  const id = await propose("ada");
  await hive.call("approve", { id });
  const { sha } = await reaches(id, "deployed");
  expect(await free("ada")).toMatchObject({ asleep: true, running: true, deployed_sha: shortSha(sha ?? "") });
  await holds();
});
