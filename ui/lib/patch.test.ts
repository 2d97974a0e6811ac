import { describe, expect, test } from "vitest";
import { patchLines, splitLines } from "./patch.ts";

const PATCH = [
  "@@ -3,4 +3,5 @@ context of the function",
  " keep",
  '-  "allowed": ["hm1nd"],',
  '-  "servers": {},',
  '+  "allowed": ["hm1nd", "librarian"],',
  '+  "egress": ["export.arxiv.org"],',
  '+  "servers": {',
  " end",
  "\\ No newline at end of file",
  "",
].join("\n");

describe("a patch", () => {
  const lines = patchLines(PATCH);

  test("numbers its lines on both sides", () => {
    expect(lines.map(({ kind, before, after }) => [kind, before, after])).toEqual([
      ["h", undefined, undefined],
      ["c", 3, 3],
      ["d", 4, undefined],
      ["d", 5, undefined],
      ["a", undefined, 4],
      ["a", undefined, 5],
      ["a", undefined, 6],
      ["c", 6, 7],
      ["n", undefined, undefined],
    ]);
  });

  test("marks the words that differ, and keeps every character", () => {
    expect(lines[4]?.pieces.filter((piece) => piece.isChanged).map((piece) => piece.text)).toEqual([', "librarian"']);
    const texts = lines.map((line) => line.pieces.map((piece) => piece.text).join(""));
    expect(texts[2]).toBe('  "allowed": ["hm1nd"],');
    expect(texts[4]).toBe('  "allowed": ["hm1nd", "librarian"],');
  });

  test("marks no words if a line was replaced by an entirely different one", () => {
    const [, deleted, added] = patchLines("@@ -1 +1 @@\n-one two three\n+something else entirely\n");
    expect([deleted, added].flatMap((line) => line?.pieces ?? []).some((piece) => piece.isChanged)).toBe(false);
  });

  test("side by side, a replacement is next to the line that it replaces", () => {
    const rows = splitLines(lines).map(({ left, right }) => [left?.before ?? left?.kind, right?.after ?? right?.kind]);
    expect(rows).toEqual([
      ["h", "h"],
      [3, 3],
      [4, 4],
      [5, 5],
      [undefined, 6],
      [6, 7],
      ["n", "n"],
    ]);
  });

  test("separate changes stay separate, and a truncated change is still shown", () => {
    const two = splitLines(patchLines("@@ -1,3 +1,3 @@\n-a\n+b\n c\n+d\n@@ -9,9 +9,9 @@\n-x"));
    expect(two.map(({ left, right }) => [left?.kind, right?.kind])).toEqual([
      ["h", "h"],
      ["d", "a"],
      ["c", "c"],
      [undefined, "a"],
      ["h", "h"],
      ["d", undefined],
    ]);
  });
});
