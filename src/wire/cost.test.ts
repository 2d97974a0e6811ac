import { expect, test } from "vitest";
import { costWords, turnCostWords } from "./cost.ts";

test("a cost without a price is never $0.00, alone or in a sum", () => {
  expect([costWords(0, 0), costWords(0.001, 0), costWords(3.184, 0)]).toEqual(["$0.00", "<$0.01", "$3.18"]);
  expect([costWords(0, 4), costWords(1.2, 3)]).toEqual(["unpriced", "$1.20 + 3 unpriced"]);
  expect([turnCostWords(500, undefined), turnCostWords(500, 0), turnCostWords(0, undefined)]).toEqual(["unpriced", "$0.00", ""]);
  expect(turnCostWords(undefined, undefined)).toBe("");
});
