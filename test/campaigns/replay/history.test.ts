import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { git, gitText } from "./git.ts";
import { readHistory } from "./history.ts";
import { mustFollow, share } from "./order.ts";

let folder: string;
let repository: string;
let count = 0;
const target = (): string => join(folder, `copy-${++count}.git`);

/** Commits a text under a name, in the repository's folder. */
function commit(name: string, text: string): void {
  writeFileSync(join(repository, name), text);
  git(repository, ["add", "-A"]);
  git(repository, ["commit", "-q", "--allow-empty", "-m", `Write ${name}`, "--author", "Zo\u00eb <zoe@example.org>"]);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "history-"));
  repository = join(folder, "given");
  git(folder, ["init", "-q", "-b", "trunk", repository]);
  commit("a", "1\n");
  git(repository, ["switch", "-q", "-c", "side"]);
  commit("b", "side\n");
  commit("c", "side\n");
  git(repository, ["switch", "-q", "trunk"]);
  commit("a", "2\n");
  git(repository, ["merge", "-q", "--no-ff", "-m", "Merge the side", "side"]);
  commit("a", "2\n");
  commit("d", "last\n");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a copy has the same authors, messages and files, and a merge is its difference to its first parent", () => {
  const history = readHistory(repository, { commits: 4 }, target());
  expect(history.tasks.map(({ subject, changes }) => [subject, [...new Set(changes.map(({ path }) => path))].sort()])).toEqual([
    ["Write a", ["a", "diff --git a/a b/a"]],
    ["Merge the side", ["b", "c", "diff --git a/b b/b", "diff --git a/c b/c"]],
    ["Write d", ["d", "diff --git a/d b/d"]],
  ]);
  expect(history.empty).toBe(1);
  expect(gitText(history.folder, ["rev-parse", `${history.tip}^{tree}`])).toBe(gitText(repository, ["rev-parse", "HEAD^{tree}"]));
  expect(gitText(history.folder, ["log", "--format=%an %p", "--max-parents=1", "-1", history.tip])).toContain("Zo\u00eb");
  // No object is borrowed.
  expect(gitText(history.folder, ["rev-list", "--objects", "--all", "--quiet"])).toBe("");
  expect(gitText(history.folder, ["count-objects", "-v"])).not.toContain("alternate");
});

test("a shallow clone is as good as its commits", () => {
  const shallow = join(folder, "shallow");
  git(folder, ["clone", "-q", "--depth", "3", `file://${repository}`, shallow]);
  expect(readHistory(shallow, { commits: 2 }, target()).tasks.map(({ subject }) => subject)).toEqual(["Write d"]);
  expect(() => readHistory(shallow, { commits: 3 }, target())).toThrow(/ask for at most 2, or deepen this shallow clone/);
});

test("what cannot be replayed is refused with what to do", () => {
  expect(() => readHistory(join(folder, "nothing"), { commits: 1 }, target())).toThrow(
    /there is no folder .*nothing: name a git/,
  );
  expect(() => readHistory(tmpdir(), { commits: 1 }, target())).toThrow("is not a git repository: name one");
  expect(() => readHistory(repository, { commits: 5 }, target())).toThrow(/has 5 commits on the first-parent line.*at most 4$/);
  expect(() => readHistory(repository, { commits: 1, until: "nowhere" }, target())).toThrow("has no commit nowhere");
  expect(() => readHistory(repository, { commits: 1, until: "--all" }, target())).toThrow("has no commit --all");
  const other = join(folder, "sha256");
  execFileSync("git", ["init", "-q", "--object-format=sha256", other]);
  expect(() => readHistory(other, { commits: 1 }, target())).toThrow("names its objects by sha256");
  const empty = join(folder, "empty");
  git(folder, ["init", "-q", empty]);
  expect(() => readHistory(empty, { commits: 1 }, target())).toThrow("has no commit HEAD");
});

test("commits on a file that comes back to what it was are applied in their order; others are not held back", () => {
  git(repository, ["switch", "-q", "-c", "toggle"]);
  const lines = (first: string, last: string): string => `${first}\n2\n3\n4\n5\n6\n7\n8\n${last}\n`;
  commit("t", lines("x", "one"));
  commit("t", lines("x", "two"));
  commit("t", lines("y", "two"));
  commit("u", "more\n");
  commit("t", lines("x", "three"));
  commit("t", lines("y", "three"));
  const { tasks } = readHistory(repository, { commits: 5 }, target());
  const follows = mustFollow(tasks);
  expect([...(follows.get(4) ?? [])]).toEqual([1, 3]);
  expect([...(follows.get(3) ?? [])]).toEqual([1]);
  expect(follows.get(0)?.size ?? 0).toBe(0);
  expect(follows.has(2)).toBe(false);
  const [first, second, third] = tasks;
  if (!first || !second || !third) throw new Error("unreachable");
  expect([share(first, second), share(second, third)]).toEqual([true, false]);
});

test("a commit that takes away what an earlier one has brought follows it", () => {
  git(repository, ["switch", "-q", "-c", "moved"]);
  const lines = (...more: string[]): string => [...more, "1", "2", "3", "4", "5", "6", "7", ""].join("\n");
  commit("m", lines());
  commit("m", lines("brought", "too"));
  commit("m", `${lines("too")}brought\n`);
  commit("n", "1\n2\n");
  commit("n", "1\n3\n");
  commit("n", "1\n4\n");
  const { tasks } = readHistory(repository, { commits: 5 }, target());
  expect([...mustFollow(tasks)]).toEqual([
    [0, new Set()],
    [1, new Set([0])],
  ]);
});
