import { expect, test } from "vitest";
import { RecentDiffs } from "./recent-diffs.ts";

test("a diff between two commits of a repository is read once", async () => {
  const asked: string[] = [];
  const diffs = new RecentDiffs(async (repo, from, to) => {
    asked.push(`${repo} ${from ?? "-"} ${to}`);
    return { files: [], hash: to, bytes: 1 };
  });
  for (const from of ["a", undefined, "a", undefined]) expect((await diffs.get("web", from, "b")).hash).toBe("b");
  await diffs.get("api", "a", "b");
  expect(asked).toEqual(["web a b", "web - b", "api a b"]);
});
