import { renameSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AgentView } from "../../src/wire/agent.ts";
import { TestHive } from "../lib/hive.ts";

/** Cages that end unexpectedly: what the manager is notified of, what is shown, and when the daemon gives up. */

/** Seconds. The program's default of ten would make this test last three minutes. */
const BASE = 0.6;
let hive: TestHive;
beforeAll(async () => {
  const rules = [
    { when: { from: "system" }, steps: [{ say: "noted" }] },
    {
      when: { text: "." },
      steps: [{ tools: [{ name: "send", input: { to: "operator", body: "{{agent}} heard {{body}}" } }] }, { say: "ok" }],
    },
  ];
  hive = await new TestHive({ HIVE_CRASH_BACKOFF_SECONDS: String(BASE) }).play(rules).start({ manager: false });
  await hive.call("spawn", { name: "ada" });
});
afterAll(() => hive.dispose());

interface Told {
  event: string;
  agent: string;
  reason: string;
  next: string;
}
/** The manager's notices of ada's crashes, in order. */
async function told(): Promise<Told[]> {
  const { messages } = await hive.call("messages", { agent: "hm1nd", limit: 500 });
  const events = messages.filter((one) => one.from === "system").map((one) => JSON.parse(one.body ?? "") as Told);
  return events.filter((one) => one.event === "container_crash" && one.agent === "ada");
}
/** The notices, once there are this many: a notice is stored after the row has changed. */
async function untilTold(count: number): Promise<Told[]> {
  const ids = new Set<number>();
  await hive.untilMessage(({ id, from, body }) => {
    if (from === "system" && body?.includes('"agent":"ada","event":"container_crash"') === true) ids.add(id);
    return ids.size >= count;
  });
  return told();
}
const up = () => hive.untilAgent("ada", (agent) => agent.state === "idle" && agent.state_reason === undefined);
/** Kills ada's cage from outside. Resolves with the agent's view after it. */
async function crash(): Promise<AgentView> {
  await up();
  const failed = hive.untilAgent("ada", (agent) => agent.failed);
  process.kill((await hive.cage("ada")).init, "SIGKILL");
  return failed;
}

test("each crash is reported, and the pause doubles; the fifth within ten minutes parks the agent until the operator starts it", async () => {
  for (let nth = 1; nth <= 4; nth++) {
    const shown = await crash();
    expect(shown.state_reason).toContain("starts again soon");
    expect(shown.resumes_at).toBeDefined();
    await untilTold(nth);
  }
  const parked = await crash();
  expect(parked).toMatchObject({ failed: true, running: false });
  expect(parked.resumes_at).toBeUndefined();
  expect(parked.state_reason).toMatch(/parked after 5 crashes, fix the cause, then start it again/);
  const events = await untilTold(5);
  expect(events.map((one) => one.next)).toEqual([
    "starts again in 1 s",
    "starts again in 1 s",
    "starts again in 2 s",
    "starts again in 5 s",
    "parked: the operator starts it again",
  ]);
  for (const { reason } of events) expect(reason).toMatch(/SIGKILL|exit/);
  // The audit has them, with the daemon as actor.
  const { entries } = await hive.call("audit", { agent: "ada", kind: "container_crash" });
  expect(entries.map((one) => one.actor)).toEqual(Array(5).fill("system"));

  // Its messages wait, and do not start it.
  const { sent } = await hive.call("send", { to: "ada", body: "are you there?" });
  expect((await hive.untilAgent("ada", (agent) => agent.unread === 1)).failed).toBe(true);
  await hive.call("start", { scope: { agent_names: ["ada"] } });
  const answer = await hive.untilMessage((message) => message.body === "ada heard are you there?");
  expect(answer.in_reply_to).toBe(sent[0]?.id);
});

test("a start by the operator resets the count", async () => {
  const before = (await told()).length;
  await crash();
  expect((await untilTold(before + 1)).at(-1)?.next).toBe("starts again in 1 s");
  await up();
});

test("a stopped cage has not crashed; one that can no longer be started is reported, too", async () => {
  const before = (await told()).length;
  await hive.call("restart", { name: "ada" });
  await hive.call("kill", { name: "ada" });
  await hive.call("start", { scope: { agent_names: ["ada"] } });
  await up();
  expect(await told()).toHaveLength(before);
  // Its notes are missing, and no cage can be made without them.
  const folder = await hive.folderOf("ada");
  await hive.call("stop", { scope: { agent_names: ["ada"] } });
  renameSync(join(folder, "generations"), join(folder, "elsewhere"));
  const { results } = await hive.call("start", { scope: { agent_names: ["ada"] } });
  expect(results[0]).toMatchObject({ name: "ada", ok: false });
  expect((await untilTold(before + 1)).at(-1)).toMatchObject({
    reason: expect.stringContaining("the cage could not be started: ") as string,
    next: "parked: the operator starts it again",
  });
  renameSync(join(folder, "elsewhere"), join(folder, "generations"));
  await hive.call("start", { scope: { agent_names: ["ada"] } });
  await up();
});
