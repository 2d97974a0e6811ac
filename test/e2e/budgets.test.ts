import { afterAll, beforeAll, expect, test } from "vitest";
import { cliInside } from "../lib/cli-inside.ts";
import { FakeClock } from "../lib/fake-clock.ts";
import { TestHive } from "../lib/hive.ts";

/** Budgets with the real CLI: an agent that reaches a limit parks, the others go on, and so does it once that is lifted. */

const DAY_MS = 24 * 3600 * 1000;
let hive: TestHive;
let clock: FakeClock;

beforeAll(async () => {
  hive = new TestHive({ HIVE_TIME_ZONE: "Europe/Berlin" }).play([
    { when: { from: "system" }, steps: [{ say: "noted" }] },
    {
      when: { text: "^twice" },
      steps: [
        { tools: [{ name: "set_status", input: { text: "half" } }], usage: { output: 1_000 } },
        { say: "both", usage: { output: 10 } },
      ],
    },
    { when: { text: "." }, steps: [{ say: "heard", usage: { output: 100 } }] },
  ]);
  clock = new FakeClock(hive.folder);
  Object.assign(hive.env, clock.env);
  await hive.start({ manager: false });
});
afterAll(async () => {
  clock.set(0);
  await hive.dispose();
});

const send = async (to: string, body: string): Promise<number> => (await hive.call("send", { to, body })).sent[0]?.id ?? 0;
const done = (id: number) => hive.untilMessage((message) => message.id === id && message.state === "done");
const isOver = (name: string) => hive.untilAgent(name, (agent) => agent.over_budget === true);
const audited = async (agent: string): Promise<(string | undefined)[]> =>
  (await hive.call("audit", { agent, limit: 50 })).entries.map(({ kind, actor }) => `${kind} by ${actor}`);

test("an agent over its limit parks in the middle of its turn, and goes on after a raise; another one never stops", async () => {
  await hive.call("spawn", { name: "scout", config: { budget: { output_tokens_per_day: 500 } } });
  await hive.call("spawn", { name: "ada" });
  const waiting = cliInside("--socket", hive.socket, "send", "scout", "twice", "--wait");
  const parked = await isOver("scout");
  // The wait ends, though the limit was reached only in the turn of the message.
  const said = await waiting;
  expect(said).toMatchObject({
    code: 5,
    err: expect.stringMatching(/: it is over budget until .*budget raise scout`\n$/) as string,
  });
  const id = Number(/#(\d+) to scout/.exec(said.err)?.[1]);
  expect(parked).toMatchObject({
    state: "rate_limited",
    state_reason: "the budget of 500 output tokens a day is used up",
    last_turn: { result: "parked" },
  });
  expect(parked.resumes_at).toBeDefined();
  const { over, time_zone: zone } = await hive.call("budget", {});
  expect(zone).toBe("Europe/Berlin");
  expect(over).toMatchObject([{ scope: "agent", agent: "scout", limit: "output_tokens_per_day", allowed: 500, raise: 250 }]);
  // Only the request that was in flight has passed the limit.
  expect(over[0]?.used).toBe(1_000);
  await done(await send("ada", "hello"));

  await hive.call("budget_answer", { scope: "agent", agent: "scout", answer: "raise", by: 5_000 });
  expect((await done(id)).failures).toBe(0);
  expect((await hive.call("budget", {})).over).toEqual([]);
  expect(await audited("scout")).toContain("budget_raise by operator");
});

test("a limit of turns lets the running turn end; it holds over a restart, and is lifted until midnight", async () => {
  await hive.call("budget_set", { scope: "agent", agent: "ada", limits: { turns_per_hour: 2 } });
  await done(await send("ada", "the second of this hour"));
  await isOver("ada");
  const id = await send("ada", "the third");
  await hive.crash();
  await hive.start();
  expect(await isOver("ada")).toMatchObject({ unread: 1, state_reason: "the budget of 2 turns an hour is used up" });
  await hive.call("budget_answer", { scope: "agent", agent: "ada", answer: "lift" });
  await done(id);
  await done(await send("ada", "the fourth"));
});

test("a limit of the whole hive stops every agent, with one card, until the next day by the operator's clock", async () => {
  await hive.call("budget_set", { scope: "hive", limits: { output_tokens_per_day: 1_000 } });
  await isOver("ada");
  await isOver("scout");
  const { over } = (await hive.call("state", { messages: 0 })).state.hive.over_budget
    ? await hive.call("budget", {})
    : { over: [] };
  expect(over.map(({ scope }) => scope)).toEqual(["hive"]);
  await hive.call("budget_answer", { scope: "hive", answer: "stop" });
  expect((await hive.call("budget", {})).over).toMatchObject([{ stopped_by: "operator" }]);
  const id = await send("scout", "hello");
  await hive.crash();
  clock.set(DAY_MS);
  await hive.start();
  await done(id);
  expect((await hive.call("budget", {})).over).toEqual([]);
});

test("a model without a price is refused only where a limit of cost applies, with what to do", async () => {
  await hive.call("budget_set", { scope: "hive", remove: ["output_tokens_per_day"] });
  await hive.call("spawn", { name: "poet", config: { model: "verse-1" } });
  await done(await send("poet", "hello"));
  await hive.call("budget_set", { scope: "default", limits: { cost_per_day_usd: 3 } });
  const id = await send("poet", "hello again");
  const refused = await hive.untilAgent("poet", (agent) => agent.state_reason !== undefined);
  expect(refused.state_reason).toMatch(/the model verse-1 has no price, which a budget of \$3\.00 a day needs: set HIVE_PRICES/);
  await hive.call("budget_set", { scope: "default", remove: ["cost_per_day_usd"] });
  await done(id);
});
