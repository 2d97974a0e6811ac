import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { GIT_ENV } from "./git.ts";
import { moveRefFile } from "./move-ref-file.ts";
import { moveRef } from "./refs.ts";

let folder: string;
let bare: string;
let a: string;
let b: string;
let blob: string;
const git = (input: string, ...argv: string[]): string =>
  execFileSync("git", ["--git-dir", bare, ...argv], { input, env: GIT_ENV, stdio: ["pipe", "pipe", "pipe"] })
    .toString()
    .trim();
const read = (ref: string): string => git("", "rev-parse", ref);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "move-ref-"));
  bare = join(folder, "a.git");
  execFileSync("git", ["init", "-q", "--bare", "-b", "main", bare], { env: GIT_ENV });
  const commit = (at: number): string => `commit refs/none/main\ncommitter a <a@a> ${at} +0000\ndata 1\nx\n`;
  git(commit(1), "fast-import", "--quiet");
  a = read("refs/none/main");
  git(`${commit(2)}from ${a}\n`, "fast-import", "--quiet");
  b = read("refs/none/main");
  blob = git("text", "hash-object", "-w", "--stdin");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a ref is made and moved as git does, and git reads it", async () => {
  const before = process.umask(0o077);
  try {
    expect(await moveRefFile(bare, "refs/changes/7/1", a, undefined)).toBe(true);
  } finally {
    process.umask(before);
  }
  expect(read("refs/changes/7/1")).toBe(a);
  expect(statSync(join(bare, "refs/changes/7/1")).mode & 0o777).toBe(0o644);
  for (const name of ["refs/changes", "refs/changes/7"]) expect(statSync(join(bare, name)).mode & 0o777).toBe(0o755);
  expect(await moveRefFile(bare, "refs/changes/7/1", b, a)).toBe(true);
  expect(read("refs/changes/7/1")).toBe(b);
  git("", "pack-refs", "--all");
  expect(await moveRefFile(bare, "refs/changes/7/1", a, b)).toBe(true);
  expect(read("refs/changes/7/1")).toBe(a);
  expect(git("", "fsck", "--strict", "--no-dangling")).toBe("");
});

test("a ref that is elsewhere is not moved, and leaves no lock", async () => {
  git("", "update-ref", "refs/heads/moved", b);
  for (const expected of [a, undefined]) expect(await moveRefFile(bare, "refs/heads/moved", a, expected)).toBe(false);
  expect(await moveRefFile(bare, "refs/heads/none", a, b)).toBe(false);
  expect(read("refs/heads/moved")).toBe(b);
  for (const name of ["moved", "none", "moved.lock", "none.lock"])
    expect(existsSync(join(bare, "refs/heads", name))).toBe(name === "moved");
  expect(await moveRef(bare, "refs/heads/moved", a, undefined)).toEqual({ ok: false, now: b });
  expect(await moveRef(bare, "refs/heads/moved", b, a)).toEqual({ ok: true, now: b });
});

test("of two that move a ref at once, one does", async () => {
  git("", "update-ref", "refs/heads/raced", a);
  const other =
    git(`commit refs/none/o\ncommitter a <a@a> 3 +0000\ndata 1\ny\n`, "fast-import", "--quiet") || read("refs/none/o");
  const ends = await Promise.all([b, other, b, other].map((next) => moveRef(bare, "refs/heads/raced", next, a)));
  const now = read("refs/heads/raced");
  expect(ends.filter(({ ok }) => ok).map((end) => end.now)).toEqual([now, now]);
  expect(ends.filter(({ ok }) => !ok).map((end) => end.now)).toEqual([now, now]);
});

test("what git has to refuse or to look for is left to it", async () => {
  // No such object; none that a branch may name; a name with a meaning.
  expect(await moveRefFile(bare, "refs/heads/lost", "1".repeat(40), undefined)).toBe(false);
  expect(await moveRefFile(bare, "refs/heads/blob", blob, undefined)).toBe(false);
  await expect(moveRef(bare, "refs/heads/blob", blob, undefined)).rejects.toThrow("update-ref");
  expect(await moveRefFile(bare, "refs/pins/blob", blob, undefined)).toBe(true);
  expect(await moveRefFile(bare, "refs/heads/a.lock", a, undefined)).toBe(false);
  expect(await moveRefFile(bare, "refs/heads/../x", a, undefined)).toBe(false);
  // The name of a folder of refs, or one inside of a ref, loose or packed.
  git("", "update-ref", "refs/heads/deep/one", a);
  git("", "update-ref", "refs/heads/flat", a);
  for (let round = 0; round < 2; round++) {
    expect(await moveRefFile(bare, "refs/heads/deep", a, undefined)).toBe(false);
    expect(await moveRefFile(bare, "refs/heads/flat/two", a, undefined)).toBe(false);
    git("", "pack-refs", "--all");
  }
  expect(existsSync(join(bare, "refs/heads/deep.lock"))).toBe(false);
  // A symbolic ref, and one that another git is about to move.
  git("", "symbolic-ref", "refs/heads/link", "refs/heads/moved");
  expect(await moveRefFile(bare, "refs/heads/link", a, b)).toBe(false);
  expect(readFileSync(join(bare, "refs/heads/link"), "utf8")).toBe("ref: refs/heads/moved\n");
  mkdirSync(join(bare, "refs/heads"), { recursive: true });
  writeFileSync(join(bare, "refs/heads/busy.lock"), "");
  expect(await moveRefFile(bare, "refs/heads/busy", a, undefined)).toBe(false);
  expect(existsSync(join(bare, "refs/heads/busy.lock"))).toBe(true);
  // An object in a pack.
  git("", "update-ref", "refs/heads/all", b);
  git("", "repack", "-adq");
  expect(await moveRefFile(bare, "refs/heads/packed", b, undefined)).toBe(false);
  expect(await moveRef(bare, "refs/heads/packed", b, undefined)).toEqual({ ok: true, now: b });
});
