import { expect, test } from "vitest";
import { fittingRaise, usualRaise } from "./budget-kinds.ts";

test("a limit that is less than the usual raise is offered as much as itself, in whole cents", () => {
  const offered = (limit: number) => fittingRaise("cost_per_day_usd", limit, usualRaise("cost_per_day_usd", limit));
  expect([0.001, 0.02, 1.25, 5, 20].map(offered)).toEqual([0.01, 0.02, 1.25, undefined, undefined]);
  expect(fittingRaise("turns_per_hour", 4, usualRaise("turns_per_hour", 4))).toBeUndefined();
});
