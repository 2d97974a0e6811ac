import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { budgetTables, openBudgetsOf } from "../../test/lib/budgets.ts";
import { MessageRate } from "./message-rate.ts";
import type { Spender } from "./spender.ts";

const HOUR = 3600 * 1000;
const NOON = Date.parse("2026-11-30T12:00:00Z");
const of = { credential: "default", changes: [] };
const ada: Spender = { ...of, id: "a1", name: "ada", budget: { cost_per_day_usd: 10, output_tokens_per_day: 100 } };
const scout: Spender = { ...of, id: "a2", name: "scout", budget: undefined };
let now: number;
let changed: string[];
let tables: ReturnType<typeof budgetTables>;
let open: ReturnType<typeof openBudgetsOf>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  now = NOON;
  changed = [];
  tables = budgetTables();
  open = openBudgetsOf([ada, scout], tables, {
    now: () => now,
    priced: (model) => model !== "verse-1",
    changed: (id) => void changed.push(id),
  });
});
afterEach(() => {
  open.budgets.stop();
  vi.useRealTimers();
});

const spend = (id: string, costUsd: number, output = 0): void => open.budgets.spend(id, "default", { costUsd, output, input: 0 });
const never = new AbortController().signal;
/** A write, and what undoes it. */
function aWrite() {
  const undos: (() => void)[] = [];
  return { onRollback: (undo: () => void) => void undos.push(undo), undo: () => undos.reverse().forEach((undo) => undo()) };
}

test("four fifths of a limit are a warning, and all of it is a stop of this agent and no other", () => {
  spend("a1", 7.9);
  expect(open.budgets.warnings("a1")).toEqual([]);
  spend("a1", 0.1);
  expect(open.budgets.warnings("a1")).toEqual(["80 % of the budget of $10.00 a day is used"]);
  expect(open.budgets.stopOf("a1")).toBeUndefined();
  spend("a1", 2);
  expect(open.budgets.stopOf("a1")).toMatchObject({ kind: "cost_per_day_usd", used: 10, allowed: 10, ends: NOON + 12 * HOUR });
  expect(open.budgets.warnings("a1")).toEqual([]);
  expect(open.budgets.stopOf("a2")).toBeUndefined();
  expect(changed).toEqual(["a1", "a1"]);
});

test("at the end of its day a stopped agent goes on by itself, and the warning of another one is removed", () => {
  spend("a1", 10);
  open.budgets.limits.set("agent:a2", "turns_per_hour", 1);
  open.budgets.began("a2");
  expect(open.budgets.stopOf("a2")).toMatchObject({ ends: NOON + HOUR });
  changed = [];
  const pass = (ms: number): void => {
    now += ms;
    vi.advanceTimersByTime(ms);
  };
  pass(HOUR);
  expect([open.budgets.stopOf("a1"), open.budgets.stopOf("a2"), changed]).toEqual([expect.anything(), undefined, ["a2"]]);
  pass(11 * HOUR);
  expect([open.budgets.stopOf("a1"), changed]).toEqual([undefined, ["a2", "a1"]]);
  // Nothing is near a limit any more, so no timer is left.
  expect(vi.getTimerCount()).toBe(0);
});

test("a model without a price is refused where a limit of cost applies, and the error names the file", () => {
  expect(() => open.budgets.checkRequest("a1", "verse-1")).toThrow(
    "the model verse-1 has no price, which a budget of $10.00 a day needs: add its price to /prices.json, or limit tokens instead",
  );
  open.budgets.checkRequest("a2", "verse-1");
  open.budgets.checkRequest("a1", "sonnet");
});

describe("a decision", () => {
  const agent = { scope: "agent", agent: ada } as const;

  test("raises the limit for its day, also if more was used than the raise gives, and is in the audit trail", async () => {
    spend("a1", 18);
    await open.decisions.answer(agent, { answer: "raise" }, "operator/bob");
    expect(open.budgets.stopOf("a1")).toBeUndefined();
    expect(open.budgets.standings.ofAgent(ada)[0]).toMatchObject({ limit: 10, allowed: 23, extra: 13 });
    expect(tables.audit).toMatchObject([{ actor: "operator/bob", kind: "budget_raise", agent: "ada" }]);
    spend("a1", 5);
    expect(open.budgets.stopOf("a1")).toBeDefined();
    now += 24 * HOUR;
    open.budgets.refresh();
    expect(open.budgets.standings.ofAgent(ada)[0]).toMatchObject({ allowed: 10, extra: 0 });
  });

  test("lifts the limit until midnight, for this limit alone", async () => {
    spend("a1", 10);
    expect(await open.decisions.answer(agent, { answer: "lift" }, "operator")).toBe("cost_per_day_usd");
    spend("a1", 100);
    expect(open.budgets.stopOf("a1")).toBeUndefined();
    spend("a1", 0, 100);
    expect(open.budgets.stopOf("a1")).toMatchObject({ kind: "output_tokens_per_day" });
  });

  test("leaves the agent stopped for this period, and is named as who decided", async () => {
    spend("a1", 10);
    await open.decisions.answer(agent, { answer: "stop" }, "operator");
    expect(open.budgets.stopOf("a1")).toMatchObject({ stoppedBy: "operator" });
    now += 24 * HOUR;
    open.budgets.refresh();
    expect(open.budgets.stopOf("a1")).toBeUndefined();
  });

  test("outlives the daemon, and so does what was spent", async () => {
    spend("a1", 10);
    await open.decisions.answer(agent, { answer: "raise", by: 1 }, "operator");
    spend("a1", 1);
    open.budgets.stop();
    const ledger = { cost_usd: 11, output: 0, input: 0, turns: 0, at: now };
    const spentBefore = (scope: string, period: string) =>
      scope === "agent:a1" && period === "day:2026-11-30" ? ledger : undefined;
    open = openBudgetsOf([ada, scout], tables, { now: () => now, spentBefore });
    expect(open.budgets.stopOf("a1")).toMatchObject({ used: 11, allowed: 11 });
  });

  test("is refused without a limit that is reached, and for a limit that does not exist", async () => {
    const answer = (kind?: "turns_per_hour") => open.decisions.answer(agent, { answer: "stop", kind }, "operator");
    await expect(answer()).rejects.toThrow("no limit of ada is reached");
    await expect(answer("turns_per_hour")).rejects.toThrow(/ada has no limit turns_per_hour: .*budget set/);
  });
});

test("a limit per turn holds the message that has passed it, until the operator decides; a turn that ends well clears it", async () => {
  await open.decisions.set({ scope: "agent", agent: scout }, { cost_per_turn_usd: 1 }, [], "operator");
  open.budgets.began("a2");
  spend("a2", 2);
  expect(open.budgets.stopOf("a2")).toMatchObject({ kind: "cost_per_turn_usd", ends: undefined });
  now += 48 * HOUR;
  open.budgets.refresh();
  expect(open.budgets.stopOf("a2")).toBeDefined();
  await open.decisions.answer({ scope: "agent", agent: scout }, { answer: "raise" }, "operator");
  expect(open.budgets.stopOf("a2")).toBeUndefined();
  open.budgets.began("a2");
  spend("a2", 5);
  expect(open.budgets.stopOf("a2")).toBeUndefined();
  open.budgets.ended("a2");
  open.budgets.began("a2");
  spend("a2", 1);
  expect(open.budgets.stopOf("a2")).toMatchObject({ allowed: 1 });
  open.budgets.ended("a2");
  expect(open.budgets.stopOf("a2")).toBeUndefined();
});

test("the hive has limits of sums only, and something has to be named", async () => {
  const set = (limits: object) => open.decisions.set({ scope: "hive" }, limits, [], "operator");
  await expect(set({ cost_per_turn_usd: 1 })).rejects.toThrow("the hive as a whole has no limit cost_per_turn_usd");
  await expect(set({})).rejects.toThrow("name at least one limit");
});

describe("the requests of an agent with a limit", () => {
  test("pass one after the other, and each is checked with what the one before has used", async () => {
    const { turnstile } = open;
    const leave = await turnstile.enter("a1", "sonnet", never);
    let second = "waits";
    const entered = turnstile.enter("a1", "sonnet", never).then(
      () => (second = "passes"),
      (error: Error) => (second = error.message),
    );
    // Another agent does not wait for it.
    (await turnstile.enter("a2", "sonnet", never))();
    expect(second).toBe("waits");
    spend("a1", 11);
    leave();
    await entered;
    expect(second).toBe("the budget of $10.00 a day is used up");
  });

  test("leave their place when they are given up", async () => {
    const { turnstile } = open;
    const leave = await turnstile.enter("a1", "sonnet", never);
    const gone = new AbortController();
    const second = turnstile.enter("a1", "sonnet", gone.signal);
    const third = turnstile.enter("a1", "sonnet", never);
    gone.abort();
    await expect(second).rejects.toThrow("given up");
    leave();
    (await third)();
  });
});

test("what a turn has spent gets a row of its own when its message comes back, or its limit is reached, and not before", () => {
  open.budgets.limits.set("agent:a1", "cost_per_turn_usd", 5);
  const stored = () => tables.store.budgets.spent("agent:a1", "turn")?.cost_usd;
  open.budgets.began("a1");
  spend("a1", 2);
  expect(stored()).toBeUndefined();
  open.budgets.cameBack("a1");
  expect(stored()).toBe(2);
  open.budgets.began("a1");
  expect(stored()).toBeUndefined();
  spend("a1", 5);
  expect(stored()).toBe(5);
  open.budgets.ended("a1");
  expect(stored()).toBeUndefined();
});

test("the minute in which the daemon begins has what was sent before", () => {
  const asked: number[] = [];
  const sentSince = (_: string, from: number): number => asked.push(from) + 1;
  now += 20_000;
  const rate = new MessageRate({ limitOf: () => 3, sentSince, now: () => now });
  rate.take(aWrite(), "a1", 1);
  expect(() => rate.take(aWrite(), "a1", 1)).toThrow("wait 40 s");
  now += 60_000;
  rate.take(aWrite(), "a1", 3);
  expect(asked).toEqual([NOON]);
});

test("what was sent in the minute is looked up once, also if every send is refused", () => {
  let asked = 0;
  const rate = new MessageRate({ limitOf: () => 1, sentSince: () => (asked++, 1), now: () => now });
  for (let n = 0; n < 3; n++) expect(() => rate.take(aWrite(), "a1", 1)).toThrow("wait 60 s");
  expect(asked).toBe(1);
});

test("a message that is not sent is not counted", () => {
  const rate = new MessageRate({ limitOf: () => 2, sentSince: () => 0, now: () => now });
  const undone = aWrite();
  rate.take(undone, "a1", 1);
  rate.take(undone, "a1", 1);
  undone.undo();
  rate.take(aWrite(), "a1", 2);
  rate.giveBack("a1", 1);
  rate.take(aWrite(), "a1", 1);
  expect(() => rate.take(aWrite(), "a1", 1)).toThrow("wait 60 s");
});

describe("an agent that spends nothing more", () => {
  let agents: Spender[];
  beforeEach(() => {
    open.budgets.stop();
    agents = [ada, scout];
    open = openBudgetsOf(agents, tables, { now: () => now, changed: (id) => void changed.push(id) });
  });
  const remove = (id: string): void => void agents.splice(0, 2, ...agents.filter((one) => one.id !== id));

  test("wakes nothing at the end of the day, also if an answer or its change comes after it was destroyed", () => {
    spend("a1", 9);
    expect(vi.getTimerCount()).toBe(1);
    remove("a1");
    open.budgets.agentEnded("a1", false);
    expect(vi.getTimerCount()).toBe(0);
    spend("a1", 9);
    open.budgets.refresh("a1");
    expect(vi.getTimerCount()).toBe(0);
    expect(open.budgets.stopOf("a1")).toBeUndefined();
    agents.push(ada);
    open.budgets.refresh("a1");
    // Revived on the same day, it has spent what it had, and that.
    expect(open.budgets.stopOf("a1")).toMatchObject({ used: 18 });
  });

  test("is left out at the end of a period if nothing said that it has ended, like one whose first deploy failed", () => {
    open.budgets.limits.set("hive", "cost_per_day_usd", 10);
    spend("a2", 9);
    remove("a2");
    now += 12 * HOUR;
    vi.runOnlyPendingTimers();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("is checked at the end of a period although no list has it yet, while its first deploy runs", () => {
    const draft: Spender = { ...scout, id: "a3", name: "new" };
    const spenders = { all: () => [], byId: (id: string) => (id === "a3" ? draft : undefined) };
    open.budgets.stop();
    open = openBudgetsOf(agents, tables, { now: () => now, spenders });
    open.budgets.limits.set("agent:a3", "cost_per_day_usd", 10);
    spend("a3", 10);
    now += 12 * HOUR;
    vi.runOnlyPendingTimers();
    expect([open.budgets.stopOf("a3"), vi.getTimerCount()]).toEqual([undefined, 0]);
  });
});

test("messages of a minute are counted by sender; one that has to wait is told how long", () => {
  const limitOf = (sender: string) => (sender === "a1" ? 2 : undefined);
  const rate = new MessageRate({ limitOf, sentSince: () => 0, now: () => now });
  rate.take(aWrite(), "a1", 1);
  rate.take(aWrite(), "a1", 1);
  now += 20_000;
  expect(() => rate.take(aWrite(), "a1", 1)).toThrow("your budget is 2 messages a minute: wait 40 s");
  rate.take(aWrite(), "a2", 1_000);
  now += 40_000;
  // A message to every agent may be more than a minute has.
  rate.take(aWrite(), "a1", 5);
  expect(() => rate.take(aWrite(), "a1", 1)).toThrow("wait 60 s");
});
