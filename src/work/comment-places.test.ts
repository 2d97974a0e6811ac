import { expect, test } from "vitest";
import type { FileChange } from "../os/git/diff.ts";
import { placeIn } from "./comment-places.ts";

const file = (path: string, hunks: string): FileChange => ({
  path,
  status: "modified",
  added: 0,
  removed: 0,
  hunks: Buffer.from(hunks),
});
const DIFF = [
  file(
    "a.ts",
    "@@ -3,3 +3,4 @@ context\n three\n-four\n+FOUR\n+more\n five\n@@ -20 +21 @@\n-twenty\n+--- 20\n\\ No newline at end of file\n",
  ),
];

test.each([
  [3, "new", "three"],
  [4, "new", "FOUR"],
  [6, "new", "five"],
  [21, "new", "--- 20"],
  [4, "old", "four"],
  [5, "old", "five"],
  [20, "old", "twenty"],
] as const)("line %i of the %s file is the diff's own", (line, side, quote) => {
  expect(placeIn([DIFF], { path: "a.ts", line, side })).toEqual({ path: "a.ts", line, side, quote });
});

test.each([
  [{ path: "b.ts", line: 1, side: "new" }, '"b.ts" is not changed'],
  [{ path: "../a.ts", line: 3, side: "new" }, "is not changed"],
  [{ path: "a.ts", line: 2, side: "new" }, "does not show line 2 of the new file: it shows 3-6, 21"],
  [{ path: "a.ts", line: 6, side: "old" }, "does not show line 6 of the old file: it shows 3-5, 20"],
  [{ path: "a.ts", line: -1, side: "old" }, "does not show line -1"],
] as const)("%o is refused", (place, words) => {
  expect(() => placeIn([DIFF], place)).toThrow(words);
});

test("a line that only another diff of the change shows is found there, and a long one is cut", () => {
  const other = [file("a.ts", `@@ -1 +1 @@\n-one\n+${"x".repeat(3_000)}\n`)];
  expect(placeIn([DIFF, other], { path: "a.ts", line: 1, side: "new" }).quote).toHaveLength(1_024);
});
