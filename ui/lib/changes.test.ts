import { expect, test } from "vitest";
import { aChange } from "../../test/lib/fixtures.ts";
import { shownMark } from "./changes.ts";

test("a page fetches a change again when its diff or any kind of its comments has changed, drafts of others too", () => {
  const change = aChange();
  const marks = [
    {},
    { digest: "f".repeat(64) },
    { round: change.round + 1 },
    { comments: { ...change.comments, draft: change.comments.draft + 1 } },
    { comments: { ...change.comments, open: change.comments.open + 1 } },
    { comments: { ...change.comments, resolved: change.comments.resolved + 1 } },
  ].map((other) => shownMark({ ...change, ...other }));
  expect(new Set(marks).size).toBe(marks.length);
  const moved = { ...change, seq: change.seq + 1 };
  expect(shownMark(moved)).toBe(marks[0]);
});
