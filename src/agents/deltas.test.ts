import { expect, test } from "vitest";
import { MAX_DELTA_CHARS } from "../wire/limits.ts";
import { Deltas } from "./deltas.ts";

const long = { kind: "text", text: "x".repeat(MAX_DELTA_CHARS) } as const;
const RESET = { kind: "reset", text: "" };

test("an agent's partial text is bounded by the second, a gap begins with a reset, and other agents are not affected", () => {
  let now = 0;
  const deltas = new Deltas(() => now);
  const flood = Array.from({ length: 1_000 }, () => deltas.shown("ada", long)).filter((one) => one !== undefined);
  expect(flood.length).toBeLessThan(40);
  expect(flood.at(-1)).toEqual(RESET);
  expect(deltas.shown("bob", long)).toBe(long);
  now += 1_000;
  const later = Array.from({ length: 1_000 }, () => deltas.shown("ada", long)).filter((one) => one !== undefined);
  expect(later.length).toBeLessThanOrEqual(5);
  expect(later[0]).toBe(long);
  expect(later.at(-1)).toEqual(RESET);
});

test("empty pieces count too", () => {
  const deltas = new Deltas(() => 0);
  const shown = Array.from({ length: 20_000 }, () => deltas.shown("ada", { kind: "text", text: "" }));
  expect(shown.filter((one) => one !== undefined).length).toBeLessThan(10_000);
});
