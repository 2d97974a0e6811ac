import { expect, test } from "vitest";
import { growingPauses } from "./pauses.ts";

const first = (count: number, random?: () => number): number[] => {
  const pauses = growingPauses({ firstMs: 20, mostMs: 2_000 }, random);
  return Array.from({ length: count }, () => pauses.next().value);
};

test("pauses double, up to a limit, minus a random part of up to half", () => {
  const longest = first(9, () => 0);
  expect(longest.map((pause, at) => pause / (longest[at - 1] ?? pause / 2)).slice(1, 7)).toEqual([2, 2, 2, 2, 2, 2]);
  expect(longest.slice(-2)).toEqual([2000, 2000]);
  expect(first(9, () => 1)).toEqual(longest.map((pause) => pause / 2));
});

test("two harnesses that lost their daemon together do not reconnect at the same moment", () => {
  expect(first(3)).not.toEqual(first(3));
});
