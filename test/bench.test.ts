import { expect, test } from "vitest";
import { hasFailed, verdict, type Figure } from "../bench/lib/row.ts";

const figure = (value: number, reach?: Figure["reach"]): Figure => ({
  what: "w",
  value,
  unit: "×",
  detail: "",
  ...(reach ? { reach } : {}),
});

test("a figure reaches its target, reaches it within ten per cent, or misses it, in either direction", () => {
  const most = { most: 2 };
  expect([2, 2.19, 2.21, Number.NaN].map((value) => verdict(figure(value, most)))).toEqual([
    "reaches",
    "margin",
    "short",
    "short",
  ]);
  const least = { least: 10 };
  expect([10, 9.01, 8.99].map((value) => verdict(figure(value, least)))).toEqual(["reaches", "margin", "short"]);
  // A target of zero has no tolerance.
  expect(verdict(figure(1, { most: 0 }))).toBe("short");
});

test("a run fails if a figure misses its target or breaks, but not for a figure without a target or a peer", () => {
  expect(verdict(figure(99))).toBe("record");
  expect(verdict({ ...figure(Number.NaN, { least: 1 }), skipped: "there is no NATS here" })).toBe("skipped");
  expect(verdict({ ...figure(Number.NaN), broke: "the daemon ended" })).toBe("broke");
  expect(hasFailed(["reaches", "margin", "record", "skipped"])).toBe(false);
  expect(hasFailed(["reaches", "short"])).toBe(true);
  expect(hasFailed(["broke", "reaches"])).toBe(true);
});
