import { expect, test } from "vitest";
import { hasFailed, verdict, type Figure } from "../bench/lib/row.ts";

const figure = (value: number, reach?: Figure["reach"]): Figure => ({
  what: "w",
  value,
  unit: "×",
  detail: "",
  ...(reach ? { reach } : {}),
});

test("a figure reaches, reaches thanks to ten per cent, or falls short, whichever way it is measured", () => {
  const most = { most: 2 };
  expect([2, 2.19, 2.21, Number.NaN].map((value) => verdict(figure(value, most)))).toEqual([
    "reaches",
    "margin",
    "short",
    "short",
  ]);
  const least = { least: 10 };
  expect([10, 9.01, 8.99].map((value) => verdict(figure(value, least)))).toEqual(["reaches", "margin", "short"]);
  // Nothing at all is allowed of what may not be at all.
  expect(verdict(figure(1, { most: 0 }))).toBe("short");
});

test("what falls short or breaks fails the run; what is told for the record, or has no peer here, does not", () => {
  expect(verdict(figure(99))).toBe("record");
  expect(verdict({ ...figure(Number.NaN, { least: 1 }), skipped: "there is no NATS here" })).toBe("skipped");
  expect(verdict({ ...figure(Number.NaN), broke: "the daemon ended" })).toBe("broke");
  expect(hasFailed(["reaches", "margin", "record", "skipped"])).toBe(false);
  expect(hasFailed(["reaches", "short"])).toBe(true);
  expect(hasFailed(["broke", "reaches"])).toBe(true);
});
