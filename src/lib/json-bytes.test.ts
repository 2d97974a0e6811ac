import { expect, test } from "vitest";
import { preview } from "./json-bytes.ts";
import { within } from "./within.ts";

const bytes = (text: string): number => Buffer.byteLength(JSON.stringify(text)) - 2;

test.each([
  ["letters", "x"],
  ["control characters, six bytes each", "\u0001"],
  ["quotes, two bytes each", '"'],
  ["line breaks", "\n"],
  ["umlauts", "ü"],
  ["signs of three bytes", "日"],
  ["signs outside of the first plane", "🐝"],
])("a text of %s is cut to its bytes of JSON, and no earlier", (_, unit) => {
  const text = unit.repeat(3000);
  const cut = preview(text, 1000);
  expect(text.startsWith(cut)).toBe(true);
  expect(cut.isWellFormed()).toBe(true);
  expect(bytes(cut)).toBeLessThanOrEqual(1000);
  expect(bytes(cut + unit)).toBeGreaterThan(1000);
  expect(preview(text, bytes(text))).toBe(text);
});

test("a listing ends at its rows and at its bytes, and never without a row", () => {
  const rows = ["aaaa", "bbbb", "cccc"];
  expect(within(rows, { bytes: 100 })).toEqual({ rows, more: false });
  expect(within(rows, { bytes: 12 })).toEqual({ rows: ["aaaa", "bbbb"], more: true });
  expect(within(rows, { limit: 1, bytes: 100 })).toEqual({ rows: ["aaaa"], more: true });
  expect(within(rows, { bytes: 1 })).toEqual({ rows: ["aaaa"], more: true });
});
