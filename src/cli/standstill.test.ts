import { expect, test } from "vitest";
import { anAgent, anOverBudget } from "../../test/lib/fixtures.ts";
import type { OverBudget } from "../wire/budget.ts";
import { standstill } from "./standstill.ts";

const scout = anAgent("scout", { state: "rate_limited", over_budget: true });
const shared: OverBudget = { ...anOverBudget("scout"), agent: undefined };
const own = anOverBudget("scout");
const change: OverBudget = { ...own, scope: "change", change: 12, limit: "cost_per_change_usd" };
const credential: OverBudget = { ...shared, scope: "credential", credential: "work" };
const hive: OverBudget = { ...shared, scope: "hive" };

test.each([
  ["its own", [hive, own], "it is over budget; `npx hivectl budget raise scout`"],
  ["that of its change", [credential, change], "it is over budget; `npx hivectl budget raise --change 12`"],
  ["the hive's", [credential, hive, anOverBudget("ada")], "the hive is over budget; `npx hivectl budget raise --hive`"],
  ["its credential's", [credential], "its credential is over budget; `npx hivectl budget raise --credential work`"],
])("an agent over a budget says which verb raises it: %s", (_what, over, words) => {
  expect(standstill(scout, over)).toBe(words);
});
