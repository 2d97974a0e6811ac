import { expect, test } from "vitest";
import { RecentDiffs } from "./recent-diffs.ts";

const MIB = 1024 * 1024;

function open(bytes: (to: string) => number = () => 1) {
  const asked: string[] = [];
  const diffs = new RecentDiffs(async (repo, from, to) => {
    asked.push(`${repo} ${from ?? "-"} ${to}`);
    return { files: [], hash: to, bytes: bytes(to) };
  });
  return { asked, diffs };
}

test("a diff between two commits is read once", async () => {
  const { asked, diffs } = open();
  for (const from of ["a", undefined, "a", undefined]) expect((await diffs.get("web", from, "b")).hash).toBe("b");
  await diffs.get("api", "a", "b");
  expect(asked).toEqual(["web a b", "web - b", "api a b"]);
});

test("the diffs that were used last are kept, as far as they fit", async () => {
  const { asked, diffs } = open((to) => (to === "huge" ? 17 * MIB : 6 * MIB));
  for (const to of ["one", "two", "one", "three", "one", "two"]) await diffs.get("web", "a", to);
  expect(asked.map((one) => one.slice(6))).toEqual(["one", "two", "three", "two"]);
  for (const to of ["huge", "huge", "two"]) await diffs.get("web", "a", to);
  expect(asked.slice(4)).toEqual(["web a huge", "web a huge"]);
});

test("many small diffs are bounded, too, and a failure is not kept", async () => {
  const { asked, diffs } = open();
  for (let nth = 0; nth < 40; nth++) await diffs.get("web", "a", String(nth));
  await diffs.get("web", "a", "39");
  await diffs.get("web", "a", "0");
  expect(asked).toHaveLength(41);
  let fails = true;
  const failing = new RecentDiffs(async () => {
    if (fails) throw new Error("git has failed");
    return { files: [], hash: "h", bytes: 1 };
  });
  await expect(failing.get("web", "a", "b")).rejects.toThrow("git has failed");
  fails = false;
  expect((await failing.get("web", "a", "b")).hash).toBe("h");
});
