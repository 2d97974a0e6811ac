import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Agent, stateOf } from "../agents/agent.ts";
import { openBus } from "../../test/lib/bus.ts";
import { openStoreIn } from "../../test/lib/store.ts";
import { onUnexpected } from "../../test/lib/unexpected.ts";
import { Days } from "../policy/days.ts";
import type { ChangeRecord } from "../store/changes.ts";
import type { Store } from "../store/store.ts";
import { AgentConfig } from "../wire/config.ts";
import { instant } from "../wire/instant.ts";
import { openBudgets, type BudgetParts } from "./budget-parts.ts";
import { UsageToday } from "./usage.ts";

/** The budget of a change: what its agent's turns use from the first push of the branch to its end. */

const NOON = Date.parse("2026-11-30T12:00:00Z");
let folder: string;
let store: Store;
let agent: Agent;
let other: Agent;
let bus: ReturnType<typeof openBus>;
let parts: BudgetParts;

function open(): BudgetParts {
  bus = openBus();
  const opened = openBudgets({
    store,
    agents: { all: () => [agent, other], byId: (id) => [agent, other].find((one) => one.id === id) },
    bus,
    prices: {},
    pricesFile: undefined,
    days: new Days("UTC"),
    sharesRateLimits: true,
    onUnexpected,
    now: () => NOON,
  });
  opened.budgets.start();
  return opened;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "budget-parts-"));
  store = openStoreIn(folder);
  const make = (id: string, config: object) =>
    new Agent({ id, name: id } as never, { config: AgentConfig.parse(config), instructions: "", warnings: [] });
  agent = make("scout", { repos: [{ name: "web", access: "write" }], budget: { cost_per_change_usd: 10 } });
  other = make("ada", { repos: [{ name: "web", access: "write" }] });
  parts = open();
});
afterEach(() => {
  parts.budgets.stop();
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function turn(n: number, at: number, cost: number): Promise<void> {
  const tokens = { input: 100, output: 20, cache_read: 7_000, cache_write: 5 };
  const end = { type: "turn_end", turn: n, ok: true, result: "ok", reason: "", duration_ms: 1, tokens, cost_usd: cost } as const;
  const start = { type: "turn_start", turn: n, message_id: n, from: "operator", body: "" } as never;
  await store.write(() =>
    store.turns.append(
      "scout",
      "scout",
      `i${n}`,
      [
        { n: 1, at: instant(at), event: start },
        { n: 2, at: instant(at), event: end },
      ],
      store.nextSeq,
    ),
  );
}
/** A change of the agent whose branch was first pushed an hour ago. */
async function proposed(id: number): Promise<ChangeRecord> {
  const texts = { title: "t", body: "", sha: "s", digest: "d", stat: "{}", marks: "[]", base: "main", branch: "b", repo: "web" };
  const none = { decided_by: null, decided_at: null, reviewed_sha: null, note: null, reason: null, queued_at: null };
  const nothing = { candidate: null, candidate_base: null, merged_sha: null, early_check: null, merge_base: null };
  const at = { proposed_at: NOON, updated_at: NOON, round: 1, has_log: 0, undecided: 1 };
  const row: ChangeRecord = {
    ...texts,
    ...none,
    ...nothing,
    ...at,
    id,
    seq: id,
    agent: "scout",
    agent_name: "scout",
    state: "proposed",
  };
  await store.write(() => {
    store.repositories.putBranch({ repo: "web", agent: "scout", branch: "b", sha: "s", pushed_at: NOON - 3_600_000 });
    store.changes.insert(row);
  });
  bus.emit("change_stored", { change: id, agent: "scout", isOver: false });
  return row;
}
const spend = (costUsd: number): void => parts.budgets.spend("scout", "default", { costUsd, output: 0, input: 0 });
const target = (change: number) => {
  const found = parts.spenders.byId("scout");
  if (!found) throw new Error("there is no agent");
  return { scope: "change", agent: found, change } as const;
};

test("counts from the first push, with the turn that runs; at the limit its agent stops and no other, and a raise is for its life", async () => {
  await turn(1, NOON - 7_200_000, 100);
  await turn(2, NOON - 1_800_000, 3);
  stateOf(agent).turn.running = {
    turn: 3,
    startedAt: NOON,
    tokens: { input: 1, output: 0, cache_read: 0, cache_write: 0 },
    costUsd: 2,
    isUnpriced: false,
    budgetUsd: 2,
  };
  await proposed(1);
  const used = () => parts.rows().find(({ scope, limit }) => scope === "change" && limit === "cost_per_change_usd");
  expect(used()).toMatchObject({ change: 1, agent: "scout", used: 5, allowed: 10, from: "config" });
  spend(5);
  expect(parts.budgets.stopOf("scout")).toMatchObject({ scope: "change", change: 1, used: 10, ends: undefined });
  expect(parts.budgets.stopOf("ada")).toBeUndefined();
  await parts.decisions.answer(target(1), { answer: "raise" }, "operator");
  expect([parts.budgets.stopOf("scout"), used()]).toEqual([undefined, expect.objectContaining({ extra: 5 })]);
  spend(5);
  expect(parts.budgets.stopOf("scout")).toBeDefined();
  await parts.decisions.answer(target(1), { answer: "lift" }, "operator");
  expect([parts.budgets.stopOf("scout"), used()]).toEqual([undefined, expect.objectContaining({ lifted: true })]);
});

test("outlives the daemon, counts tokens that no cache served, and its end lets the agent go on and forgets its limits", async () => {
  const row = await proposed(1);
  await parts.decisions.set(target(1), { input_tokens_per_change: 200 }, [], "operator");
  await turn(1, NOON, 1);
  await turn(2, NOON, 1);
  parts.budgets.stop();
  parts = open();
  expect(parts.budgets.stopOf("scout")).toMatchObject({ scope: "change", kind: "input_tokens_per_change", used: 210 });
  await store.write(() => store.changes.update({ ...row, state: "merged", seq: 99, updated_at: NOON }));
  bus.emit("change_stored", { change: 1, agent: "scout", isOver: true });
  expect(parts.budgets.stopOf("scout")).toBeUndefined();
  await store.write(() => {});
  expect(store.budgets.limits()).toEqual([]);
});

test("the next daemon counts the same for a change: answers without a price, of the turn that runs, and outside of turns", async () => {
  await proposed(1);
  const usage = new UsageToday(store, new Days("UTC"), () => NOON);
  const running = { turn: 1, startedAt: NOON, tokens: { input: 0, output: 0, cache_read: 0, cache_write: 0 } };
  const metered = { ...running, costUsd: undefined, isUnpriced: true, budgetUsd: 0 };
  /** An answer of a model without a price, which counts by the price of the one that was asked for. */
  const answer = async (budgetUsd: number, within?: typeof metered): Promise<void> => {
    const tokens = { input: 3, output: 10, cache_read: 900, cache_write: 4 };
    parts.budgets.spend("scout", "default", { costUsd: budgetUsd, output: 10, input: 7 });
    if (within) {
      within.tokens = {
        ...within.tokens,
        input: within.tokens.input + 3,
        output: within.tokens.output + 10,
        cache_write: within.tokens.cache_write + 4,
      };
      within.budgetUsd += budgetUsd;
    }
    const asked = { agentId: "scout", credential: "default", model: "new", requestModel: "opus", startedAt: 1, endedAt: 2 };
    await usage.add({ ...asked, tokens, costUsd: undefined, budgetUsd }, within);
  };
  const events = (n: number, event: object): Promise<unknown> =>
    store.write(() =>
      store.turns.append("scout", "scout", "i", [{ n, at: instant(NOON), event: event as never }], store.nextSeq),
    );
  const begin = (n: number) => ({ type: "turn_start", turn: n, message_id: n, from: "operator", body: "" });
  await events(1, begin(1));
  await answer(1, metered);
  await answer(2, metered);
  const ended = { ok: true, result: "ok", reason: "", duration_ms: 1, tokens: metered.tokens };
  await events(2, { type: "turn_end", turn: 1, ...ended });
  await answer(0.5);
  await events(3, begin(2));
  await answer(1.25, { ...metered, turn: 2, tokens: running.tokens, budgetUsd: 0 });
  const used = () => parts.budgets.standings.ofChange(target(1).agent, 1).map((one) => [one.kind, one.used]);
  await parts.decisions.set(target(1), { output_tokens_per_change: 99, input_tokens_per_change: 99 }, [], "operator");
  const before = used();
  expect(before).toEqual([
    ["cost_per_change_usd", 4.75],
    ["output_tokens_per_change", 40],
    ["input_tokens_per_change", 28],
  ]);
  parts.budgets.stop();
  parts = open();
  expect(used()).toEqual(before);
});

test("a limit that an agent's config has for its changes is none of the agent's own, and one of another kind fits no change", async () => {
  spend(1_000);
  expect(parts.budgets.stopOf("scout")).toBeUndefined();
  await proposed(1);
  await expect(parts.decisions.set(target(1), { cost_per_day_usd: 1 }, [], "operator")).rejects.toThrow(
    "change 1 has no limit cost_per_day_usd",
  );
});

test("the next daemon has the sums of usage of the operator's day, of each scope, and the turn under a limit", async () => {
  const answer = { day: "2026-11-30", model: "opus", input: 10, output: 20, cacheRead: 999, cacheWrite: 5, costUsd: undefined };
  await store.write(() => {
    store.usage.add({ ...answer, agent: "scout", credential: "work", budgetUsd: 1 });
    store.usage.add({ ...answer, agent: "scout", credential: "default", budgetUsd: 2 });
    store.usage.add({ ...answer, agent: "ada", credential: "default", budgetUsd: 4 });
    store.usage.add({ ...answer, agent: "ada", credential: "default", budgetUsd: 100, day: "2026-11-29" });
  });
  const spender = parts.spenders.byId("scout");
  if (!spender) throw new Error("there is no agent");
  const limits = { cost_per_day_usd: 50, input_tokens_per_day: 500 };
  await parts.decisions.set({ scope: "agent", agent: spender }, { ...limits, cost_per_turn_usd: 3 }, [], "operator");
  await parts.decisions.set({ scope: "credential", credential: "work" }, limits, [], "operator");
  await parts.decisions.set({ scope: "hive" }, limits, [], "operator");
  // A turn that its limit has ended, and whose message waits.
  spend(3);
  parts.budgets.stop();
  await store.write(() =>
    store.usage.add({ ...answer, agent: "scout", credential: "default", budgetUsd: 3, output: 0, input: 0, cacheWrite: 0 }),
  );
  parts = open();
  const used = parts.rows().flatMap((row) => (row.used === undefined ? [] : [[row.scope, row.limit, row.used]]));
  expect(used).toEqual([
    ["hive", "cost_per_day_usd", 10],
    ["hive", "input_tokens_per_day", 45],
    ["credential", "cost_per_day_usd", 1],
    ["credential", "input_tokens_per_day", 15],
    ["agent", "cost_per_day_usd", 6],
    ["agent", "cost_per_turn_usd", 3],
    ["agent", "input_tokens_per_day", 30],
  ]);
  expect(parts.budgets.stopOf("scout")).toMatchObject({ kind: "cost_per_turn_usd" });
});
