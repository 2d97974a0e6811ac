import { afterEach, beforeEach, expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "../../test/lib/system.ts";
import type { ChangeRecord } from "../store/changes.ts";
import { OPERATOR } from "../wire/names.ts";

/** What has ended has no limits any more: a change of a repository that is removed, and an agent that is destroyed. */

let system: TestSystem;
beforeEach(async () => {
  system = await openTestSystem();
  await system.work.start();
  const row = await system.requests.spawn({ name: "scout", config: {}, by: OPERATOR, origin: "spawn" });
  await system.deploys.finished(row.id);
});
afterEach(() => system.close());

const limits = (): string[] =>
  system.store.budgets
    .limits()
    .map(({ scope }) => scope.replace(/:.*/, ""))
    .sort();

async function proposed(repo: string): Promise<number> {
  const texts = { title: "t", body: "", sha: "s", digest: "d", stat: "{}", marks: "[]", base: "main", branch: "b", repo };
  const none = { decided_by: null, decided_at: null, reviewed_sha: null, note: null, reason: null, queued_at: null };
  const nothing = { candidate: null, candidate_base: null, merged_sha: null, early_check: null, merge_base: null };
  const at = { proposed_at: 1, updated_at: 1, round: 1, has_log: 0, undecided: 1 };
  const { id: agent } = system.swarm.byName("scout");
  const row: ChangeRecord = {
    ...texts,
    ...none,
    ...nothing,
    ...at,
    id: 7,
    seq: 7,
    agent,
    agent_name: "scout",
    state: "proposed",
  };
  await system.store.write(() => system.store.changes.insert(row));
  system.work.context.bus.emit("change_stored", { change: row.id, agent, isOver: false });
  return row.id;
}

test("a change ends with its repository, and its limit with it", async () => {
  await system.work.repositories.create("web", {});
  const change = await proposed("web");
  await system.callAs(system.operator, "budget_set", { scope: "change", change, limits: { cost_per_change_usd: 5 } });
  expect(limits()).toEqual(["change"]);
  await system.callAs(system.operator, "repo_remove", { name: "web" });
  await system.store.write(() => {});
  expect(limits()).toEqual([]);
  expect((await system.callAs(system.operator, "budget", {})).rows).toEqual([]);
});

test("the limits of an agent outlive it until it is purged", async () => {
  await system.callAs(system.operator, "budget_set", { scope: "agent", agent: "scout", limits: { turns_per_hour: 1 } });
  system.budgets.budgets.began(system.swarm.byName("scout").id);
  await system.callAs(system.operator, "destroy", { name: "scout" });
  expect(limits()).toEqual(["agent"]);
  await system.callAs(system.operator, "destroy", { name: "scout", purge: true });
  await system.store.write(() => {});
  expect(limits()).toEqual([]);
  expect(system.unexpected).toEqual([]);
});

test("an agent that was destroyed is held by no limit, also if one of its changes ends afterwards", async () => {
  await system.callAs(system.operator, "budget_set", { scope: "agent", agent: "scout", limits: { cost_per_day_usd: 10 } });
  const { budgets, spenders } = system.budgets;
  const { id } = system.swarm.byName("scout");
  budgets.spend(id, "default", { costUsd: 10, output: 0, input: 0 });
  expect(budgets.stopOf(id)).toMatchObject({ used: 10 });
  await system.callAs(system.operator, "destroy", { name: "scout" });
  system.work.context.bus.emit("change_stored", { change: 7, agent: id, isOver: true });
  budgets.spend(id, "default", { costUsd: 1, output: 0, input: 0 });
  expect([spenders.byId(id), budgets.stopOf(id)]).toEqual([undefined, undefined]);
  await system.callAs(system.operator, "revive", { name: "scout" });
  // Its harness does this when it connects.
  budgets.refresh(id);
  expect(budgets.stopOf(id)).toMatchObject({ used: 11 });
});
