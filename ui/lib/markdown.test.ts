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

  test("no word is ever lost", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("word", "`", "*", "**", "#", "-", "\n", " ", ">", "```", "1.")), (pieces) => {
        const text = pieces.join("");
        const shown = JSON.stringify(blocks(text));
        expect(shown.split("word").length).toBe(text.split("word").length);
      }),
    );
  });
});
