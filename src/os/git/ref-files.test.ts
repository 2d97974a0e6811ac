import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { refFromFiles, refsFromFiles } from "./ref-files.ts";
import { GIT_ENV } from "./git.ts";

let folder: string;
let bare: string;
let a: string;
let b: string;
const git = (input: string, ...argv: string[]): string =>
  execFileSync("git", ["--git-dir", bare, ...argv], { input, env: GIT_ENV })
    .toString()
    .trim();
const put = (ref: string, text: string): void => {
  mkdirSync(join(bare, ref, ".."), { recursive: true });
  writeFileSync(join(bare, ref), text);
};
const listed = (below: string): Map<string, string> => {
  const lines = git("", "for-each-ref", "--format=%(refname) %(objectname)", below).split("\n");
  return new Map(lines.map((line) => line.split(" ") as [string, string]));
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ref-files-"));
  bare = join(folder, "a.git");
  execFileSync("git", ["init", "-q", "--bare", "-b", "main", bare], { env: GIT_ENV });
  const commit = (at: number): string => `commit refs/heads/main\ncommitter a <a@a> ${at} +0000\ndata 1\nx\n`;
  git(`${commit(1)}\nreset refs/heads/packed\nfrom refs/heads/main\n`, "fast-import", "--quiet");
  a = git("", "rev-parse", "main");
  git(`tag v1\nfrom ${a}\ntagger a <a@a> 1 +0000\ndata 1\nx\nreset refs/heads/both/here\nfrom ${a}\n`, "fast-import", "--quiet");
  git("", "pack-refs", "--all");
  git(`${commit(2)}from ${a}\n`, "fast-import", "--quiet");
  b = git("", "rev-parse", "main");
  put("refs/heads/both/here", `${b}\n`);
  put("refs/heads/loose", `${b}\n`);
  put("refs/heads/loose.lock", `${a}\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("refs are what git lists: loose, packed, both, with the object of a tag, without locks", async () => {
  for (const below of ["refs", "refs/heads/", "refs/tags/", "refs/heads/both/"]) {
    const there = await refsFromFiles(bare, below);
    expect([...(there ?? [])]).toEqual([...listed(below)]);
  }
  expect(listed("refs").size).toBe(5);
  expect(await refsFromFiles(bare, "refs/none/")).toEqual(new Map());
});

test("one ref is what git reads, and null if there is none", async () => {
  for (const [ref, sha] of listed("refs")) expect(await refFromFiles(bare, ref)).toBe(sha);
  expect(await refFromFiles(bare, "refs/heads/main")).toBe(b);
  expect(await refFromFiles(bare, "refs/heads/packed")).toBe(a);
  for (const none of ["refs/heads/none", "refs/heads/both", "refs/heads/loose/below", "refs/heads/pack"])
    expect(await refFromFiles(bare, none)).toBeNull();
});

test("what only git can tell is left to it", async () => {
  for (const ref of [
    "main",
    "HEAD",
    "refs/heads/../x",
    "refs/heads/main.lock",
    "refs/heads/.a",
    "refs/heads/ä",
    "refs/heads/main^",
  ])
    expect(await refFromFiles(bare, ref)).toBeUndefined();
  expect(await refFromFiles(join(folder, "none.git"), "refs/heads/main")).toBeUndefined();
  expect(await refsFromFiles(join(folder, "none.git"), "refs/heads/")).toBeUndefined();
  put("refs/odd/symbolic", "ref: refs/heads/main\n");
  expect(await refFromFiles(bare, "refs/odd/symbolic")).toBeUndefined();
  expect(await refsFromFiles(bare, "refs/odd/")).toBeUndefined();
  put("refs/cut/empty", "");
  expect(await refFromFiles(bare, "refs/cut/empty")).toBeUndefined();
  expect(await refsFromFiles(bare, "refs/cut/")).toBeUndefined();
  mkdirSync(join(bare, "refs/linked"));
  symlinkSync(join(bare, "refs/heads/main"), join(bare, "refs/linked/one"));
  expect(await refFromFiles(bare, "refs/linked/one")).toBeUndefined();
  expect(await refsFromFiles(bare, "refs/linked/")).toBeUndefined();
  for (let n = 0; n < 257; n++) put(`refs/many/${n}`, `${a}\n`);
  expect(await refsFromFiles(bare, "refs/many/")).toBeUndefined();
});

test("where refs are in reftables, git is asked", async () => {
  const other = join(folder, "reftable.git");
  mkdirSync(join(other, "reftable"), { recursive: true });
  mkdirSync(join(other, "refs"));
  writeFileSync(join(other, "HEAD"), "ref: refs/heads/.invalid\n");
  writeFileSync(join(other, "refs/heads"), "this repository uses the reftable format\n");
  expect(await refFromFiles(other, "refs/heads/main")).toBeUndefined();
  expect(await refsFromFiles(other, "refs/heads/")).toBeUndefined();
  expect(await refsFromFiles(other, "refs")).toBeUndefined();
});
