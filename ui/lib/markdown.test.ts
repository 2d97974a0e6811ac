import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blocks, inlines } from "./markdown.ts";

describe("text that models write", () => {
  test("code, strong and emphasis are parsed; text that only looks like them stays text", () => {
    expect(inlines("use `npm test` **now**, *please*")).toEqual([
      { kind: "text", text: "use " },
      { kind: "code", text: "npm test" },
      { kind: "text", text: " " },
      { kind: "strong", text: "now" },
      { kind: "text", text: ", " },
      { kind: "em", text: "please" },
    ]);
    for (const text of ["2 * 3 * 4", "a*b*c", "**", "`", "snake_case_name", "<b>bold</b>"])
      expect(inlines(text)).toEqual([{ kind: "text", text }]);
  });

  test("headings, lists, quotes, rules and fences", () => {
    expect(blocks("# Plan\n- one\n  2. two\n> said\n---\n```sh\nls **x**\n```\nend").map((block) => block.kind)).toEqual([
      "heading",
      "item",
      "item",
      "quote",
      "rule",
      "code",
      "line",
    ]);
    // A fence that is still being written.
    expect(blocks("```\nhalf")).toEqual([{ kind: "code", language: "", text: "half" }]);
  });

  test("a fence ends at a line of marks alone", () => {
    expect(blocks("```\na\n```word\nb\n````\nend")).toEqual([
      { kind: "code", language: "", text: "a\n```word\nb" },
      { kind: "line", inlines: [{ kind: "text", text: "end" }] },
    ]);
  });

  test("no word is ever lost", () => {
    // Short lines of few pieces: fences that open and close are common among them.
    const piece = fc.constantFrom("word", "`", "*", "**", "#", "-", " ", ">", "```", "1.");
    const text = fc.array(fc.array(piece, { maxLength: 3 }), { maxLength: 6 });
    fc.assert(
      fc.property(text, (lines) => {
        const written = lines.map((line) => line.join("")).join("\n");
        expect(JSON.stringify(blocks(written)).split("word").length).toBe(written.split("word").length);
      }),
      { numRuns: 5_000 },
    );
  });
});
