import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { painter, width } from "./print.ts";
import { reflow, wrap } from "./wrap.ts";

test("wrapped text keeps its words, and no line is wider than the terminal", () => {
  expect(wrap("limits cannot be held for a  cage as a whole", 16)).toEqual(["limits cannot be", "held for a cage", "as a whole"]);
  expect(wrap("anything goes where nothing limits it", Infinity)).toEqual(["anything goes where nothing limits it"]);
  expect(wrap("", 10)).toEqual([]);
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 40 }), (text, room) => {
      for (const line of wrap(text, room)) expect(width(line)).toBeLessThanOrEqual(room);
    }),
  );
});

describe("text with line breaks", () => {
  test("is wrapped between words, and its line breaks stay", () => {
    expect(reflow("one two three\n\n  four  five", 9)).toBe("one two\nthree\n\n  four\n  five");
    expect(reflow("a  b  c", 20)).toBe("a  b  c");
    expect(reflow("one two three", Infinity)).toBe("one two three");
  });

  test("a list entry is indented to its first word, other text to the given column", () => {
    expect(reflow("- one two three\n  10. four five", 12)).toBe("- one two\n  three\n  10. four\n      five");
    expect(reflow("commit  abc  against def", 16, 8)).toBe("commit  abc\n        against\n        def");
  });

  test("text that cannot be broken stays whole, so that it can be copied", () => {
    expect(reflow("see https://example.org/a/long/way for more", 12)).toBe("see\nhttps://example.org/a/long/way\nfor more");
    expect(reflow("https://example.org/a/long/way", 12)).toBe("https://example.org/a/long/way");
  });

  test("colours take no width and stay in place", () => {
    const paint = painter(true);
    expect(reflow(`${paint("bold", "one")} two three`, 7)).toBe(`${paint("bold", "one")} two\nthree`);
  });

  test("no word is lost, and no line is wider than the terminal unless a word is", () => {
    const words = fc.array(fc.string({ unit: fc.constantFrom("a", "日", "é", "-"), minLength: 1, maxLength: 5 }));
    fc.assert(
      fc.property(words, fc.integer({ min: 20, max: 60 }), (given, room) => {
        const text = reflow(given.join(" "), room);
        expect(text.split(/\s+/).filter(Boolean)).toEqual(given);
        for (const line of text.split("\n")) expect(width(line)).toBeLessThanOrEqual(room);
      }),
    );
  });
});
