import { describe, expect, test } from "vitest";
import { aComment } from "../../test/lib/fixtures.ts";
import { lineAt, placesOf, textOf } from "../diff/place.ts";
import { patchLines } from "../lib/patch.ts";
import { keyOf, notIn, placed, withMine } from "./comments.ts";

describe("the place of a comment", () => {
  const lines = patchLines("@@ -3,3 +3,3 @@ f()\n keep\n-old\n+new\n end\n\\ No newline at end of file\n");

  test("every line has one, but for the head of a hunk and a note; a removed line counts in the old file", () => {
    expect([...placesOf(lines)]).toEqual(["new:3", "old:4", "new:4", "new:5"]);
    expect(["old:4", "new:4"].map((key) => textOf(lineAt(lines, key) ?? { kind: "n", pieces: [] }))).toEqual(["old", "new"]);
    expect(lineAt(lines, "old:3")).toBeUndefined();
  });

  test.each([
    ["a line of the new file", { line: 4, side: "new" as const }, true, "new:4"],
    ["the same against another base", { line: 4, side: "new" as const }, false, "new:4"],
    ["a removed line", { line: 4, side: "old" as const }, true, "old:4"],
    ["a removed line against another base, where it has another number", { line: 4, side: "old" as const }, false, undefined],
    ["a line that has changed since", { line: 4, side: "new" as const, outdated: true }, true, undefined],
    ["the whole file", {}, true, undefined],
  ])("%s", (_what, extra, isAgainstMergeBase, key) => {
    expect(keyOf(aComment({ path: "a.ts", ...extra }), isAgainstMergeBase)).toBe(key);
  });

  test("a comment on a file that the diff does not have is not lost", () => {
    const here = aComment({ path: "a.ts", line: 1, side: "new" });
    const gone = aComment({ path: "gone.ts", line: 1, side: "new" });
    const whole = aComment({});
    const { byFile, general } = placed([here, gone, whole], [{ path: "a.ts" }, { path: "b.ts" }]);
    expect([...byFile]).toEqual([["a.ts", [here]]]);
    expect(general).toEqual([gone, whole]);
  });
});

describe("comments of this page", () => {
  const known = aComment({ id: 1 });
  const draft = aComment({ id: 2, state: "draft" });

  test("a new one is there before the next answer, a dropped one is gone, a resolved one is changed", () => {
    expect(withMine([known], new Map([[2, draft]]))).toEqual([known, draft]);
    expect(withMine([known, draft], new Map([[2, undefined]]))).toEqual([known]);
    const resolved = { ...known, state: "resolved" as const };
    expect(withMine([known], new Map([[1, resolved]]))).toEqual([resolved]);
  });

  test("an answer replaces what it has, and does not take away what it does not have yet", () => {
    const mine = new Map([
      [1, { ...known, state: "resolved" as const }],
      [2, draft],
      [3, undefined],
    ]);
    const late = aComment({ id: 3, state: "draft" });
    expect(withMine([known, late], notIn([known, late], mine))).toEqual([known, draft]);
  });
});
