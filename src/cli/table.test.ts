import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clean, fit, painter, visible, width } from "./print.ts";
import { table } from "./table.ts";

const plain = painter(false);
interface Row {
  name: string;
  state: string;
  model: string;
  text: string;
}
const columns = [
  { title: "NAME", value: (row: Row) => row.name },
  { title: "STATE", value: (row: Row) => row.state },
  { title: "MODEL", value: (row: Row) => row.model, spare: 1 },
  { title: "TEXT", value: (row: Row) => row.text, isWide: true },
];
const row: Row = { name: "ada", state: "idle", model: "sonnet", text: "looks things up in very many books" };

describe("a table", () => {
  test("has its natural width where nothing limits it", () => {
    expect(table([row], columns, Infinity, plain)).toBe(
      "NAME  STATE  MODEL   TEXT\nada   idle   sonnet  looks things up in very many books",
    );
  });

  test("shortens free text first, then drops spare columns, then cuts names", () => {
    expect(table([row], columns, 45, plain).split("\n")[1]).toBe("ada   idle   sonnet  looks things up in very…");
    // A spare column is dropped before free text becomes unreadable.
    expect(table([row], columns, 40, plain).split("\n")[1]).toBe("ada   idle   looks things up in very ma…");
    expect(table([row], columns, 30, plain)).toBe("NAME  STATE  TEXT\nada   idle   looks things up …");
    expect(table([{ ...row, name: "a-name-of-twenty-chars" }], columns, 30, plain).split("\n")[1]).toMatch(
      /^a-nam\S*…  idle   looks\S* .*…$/,
    );
  });

  test("omits empty columns", () => {
    expect(table([{ ...row, model: "" }], columns, Infinity, plain).split("\n")[0]).toBe("NAME  STATE  TEXT");
  });

  test("has no line wider than the terminal, for any content", () => {
    const cell = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 60 }),
      fc.constantFrom("日本語の長い文章です", "👩‍👩‍👧‍👦👍🏽", "e\u0301e\u0301"),
    );
    const rows = fc.array(fc.record({ name: cell, state: cell, model: cell, text: cell }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(rows, fc.integer({ min: 24, max: 200 }), (given, room) => {
        for (const line of table(given, columns, room, plain).split("\n")) expect(width(line)).toBeLessThanOrEqual(room);
      }),
    );
  });
});

describe("the width of a text", () => {
  test.each([
    ["abc", 3],
    ["日本", 4],
    ["e\u0301", 1],
    ["👍🏽", 2],
    ["👩‍👩‍👧‍👦", 2],
    ["…", 1],
  ])("%j takes %i columns", (text, columns_) => {
    expect(width(text)).toBe(columns_);
  });

  test("a cut never splits a character and never exceeds the limit", () => {
    expect(fit("日本語", 4)).toBe("日…");
    expect(fit("ab👍🏽cd", 4)).toBe("ab…");
    expect(fit("abc", 0)).toBe("");
  });
});

describe("text of agents", () => {
  const hostile = "a\u001B]52;c;ZXZpbA==\u0007b\u001B[2Jc\u202Ed\u009B31me\u200Bf";

  test("is escaped where it would steer or hide, as on the page", () => {
    expect(clean(hostile)).toBe("a␛]52;c;ZXZpbA==␇b␛[2Jc⟨U+202E⟩d⟨U+009B⟩31me⟨U+200B⟩f");
    expect(clean("a\u{E0041}\u00AD\u3164\u2028b")).toBe("a⟨U+E0041⟩⟨U+00AD⟩⟨U+3164⟩⟨U+2028⟩b");
    expect(clean("two\n\tlines")).toBe("two\n\tlines");
  });

  test("is shown unchanged where it is about to be approved", () => {
    expect(visible("x\u202Ey\u200Bz\u001B[31m\r")).toBe("x⟨U+202E⟩y⟨U+200B⟩z␛[31m␍");
  });
});
