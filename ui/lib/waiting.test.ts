import { expect, test } from "vitest";
import { CHANGE_STATES } from "../../src/wire/change-states.ts";
import { aChange, aHive, anApproval, anOverBudget, aQuestion, aState } from "../../test/lib/fixtures.ts";
import { fromSnapshot } from "./state.ts";
import { overOf, waiting } from "./waiting.ts";

test("a budget that is used up waits for the operator until one has decided, also to leave it so", () => {
  const over = anOverBudget("scout");
  const hive = aHive({ over_budget: [over, { ...over, agent: "ada", stopped_by: "operator" }] });
  expect(waiting(fromSnapshot(aState({ hive })))).toMatchObject({ budgets: 1, cards: 1, all: 1 });
  expect(waiting(fromSnapshot(aState()))).toMatchObject({ budgets: 0 });
});

test("a change waits for the operator while it is proposed, and in no other state", () => {
  const changes = CHANGE_STATES.map((state, n) => aChange({ id: n + 1, state }));
  const waits = waiting(fromSnapshot(aState({ changes, approvals: [anApproval()], questions: [aQuestion("?")] })));
  expect(waits).toMatchObject({ approvals: 1, changes: 1, questions: 1, cards: 3, all: 3 });
});

test("what stops an agent is its own limits and those of the hive, also one that an operator left reached", () => {
  const { agent, ...hive } = { ...anOverBudget("scout"), scope: "hive" as const };
  const own = anOverBudget(agent ?? "", { stopped_by: "operator" });
  expect(overOf("scout", [hive, own, anOverBudget("ada")])).toEqual([hive, own]);
  expect(overOf("scout", undefined)).toEqual([]);
  const shared: typeof own = { ...hive, scope: "credential", credential: "work" };
  expect([overOf("scout", [shared]), overOf("scout", [shared, own])]).toEqual([[shared], [own]]);
});
