import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { TreeFile } from "../wire/approval.ts";
import { bwrapPlatform } from "../platforms/bwrap/platform.ts";
import { openRepos } from "./index.ts";
import type { AppliedRepo, Repos } from "./types.ts";

/** The repositories as the deploy state machine uses them, with the real git. */

const OWNER = {
  uid: process.getuid?.() === 0 ? 65_534 : (process.getuid?.() ?? 0),
  gid: process.getgid?.() === 0 ? 65_534 : (process.getgid?.() ?? 0),
};
const FACTS = { author: "hm1nd", at: 1_700_000_000_123, message: "words" };

let root: string;
let repos: Repos;
let applied: AppliedRepo;
const paths = (): { proposed: string; applied: string; meta: string; scratch: string } => ({
  proposed: join(root, "proposed"),
  applied: join(root, "applied"),
  meta: join(root, "meta"),
  scratch: join(root, "scratch"),
});

beforeEach(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "repos-")));
  repos = await openRepos(paths(), bwrapPlatform());
  applied = repos.applied("coder");
  await applied.ensure();
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function file(path: string, text: string | Buffer, mode: TreeFile["mode"] = "100644"): TreeFile {
  return { path, mode, base64: Buffer.from(text).toString("base64") };
}
/** Git as the operator runs it, without the options of the daemon. */
function git(folder: string, ...argv: string[]): string {
  const env = { PATH: process.env.PATH ?? "", GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1", HOME: root };
  const who = ["-c", "user.name=t", "-c", "user.email=t@hive.invalid", "-c", "safe.directory=*"];
  return execFileSync("git", [...who, "-C", folder, ...argv], {
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  }).trim();
}
const paths_ = (files: readonly TreeFile[]): string[] => files.map(({ path }) => path);

test("locks of a killed git are removed at the next start, wherever they are", async () => {
  const sha = await applied.commit([file("agent.json", "{}")], [], FACTS);
  await repos.meta.ensure();
  const locks = [
    ...["refs/heads/main.lock", "refs/tags/deployed/1.lock", "packed-refs.lock"].map((name) => join("applied/coder.git", name)),
    ...["refs/heads/main.lock", "index.new.lock", "HEAD.lock"].map((name) => join("meta/.git", name)),
  ].map((name) => join(root, name));
  for (const lock of locks) {
    mkdirSync(dirname(lock), { recursive: true });
    writeFileSync(lock, "");
  }
  repos = await openRepos(paths(), bwrapPlatform());
  expect(locks.filter((lock) => existsSync(lock))).toEqual([]);
  await repos.applied("coder").moveMain(sha, undefined);
  await repos.applied("coder").tag({ name: "deployed/1", sha, at: 0, message: "well" });
  await repos.meta.publish(
    await repos.meta.candidate(undefined, "coder", { rev: sha, tree: sha, hyperhive: "r" }, FACTS),
    undefined,
  );
  await repos.meta.refreshCheckout();
  expect(existsSync(join(root, "meta/hive.lock"))).toBe(true);
});

describe("applied", () => {
  test("a commit contains its files, a repeated call makes the same commit, and git finds no errors", async () => {
    const files = [
      file("agent.json", "{}\n"),
      file("bin/run", "#!/bin/sh\n", "100755"),
      file("bin.d/x", "sorts between bin/ and bin"),
      file("link", "bin/run", "120000"),
      file("deep/er/still.bin", Buffer.from([0, 1, 255])),
    ];
    const sha = await applied.commit(files, [], FACTS);
    expect(await applied.commit([...files].reverse(), [], FACTS)).toBe(sha);
    expect(await applied.commit(files, [], { ...FACTS, at: FACTS.at + 1000 })).not.toBe(sha);
    const read = await applied.files(sha);
    expect(new Map(read.map((one) => [one.path, one]))).toEqual(new Map(files.map((one) => [one.path, one])));
    expect(git(applied.folder, "fsck", "--strict", "--no-dangling")).toBe("");
    expect(git(applied.folder, "show", "-s", "--format=%an %ae %at %cn %B", sha)).toBe(
      "hm1nd hm1nd@hive.invalid 1700000000 hyperhive words",
    );
    expect(await applied.treeOf(sha)).toBe(git(applied.folder, "rev-parse", `${sha}^{tree}`));
  });

  test("history: parents, ancestors, existing and missing commits", async () => {
    const one = await applied.commit([file("agent.json", "1")], [], FACTS);
    const two = await applied.commit([file("agent.json", "2")], [one], FACTS);
    const side = await applied.commit([file("agent.json", "3")], [], FACTS);
    expect(await applied.firstParent(two)).toBe(one);
    expect(await applied.firstParent(one)).toBeUndefined();
    expect(await applied.isAncestor(one, two)).toBe(true);
    expect(await applied.isAncestor(two, two)).toBe(true);
    expect(await applied.isAncestor(side, two)).toBe(false);
    const again = (await openRepos(paths(), bwrapPlatform())).applied("coder");
    expect([await again.has(two), await again.has("0".repeat(40)), await again.has(await again.treeOf(two))]).toEqual([
      true,
      false,
      false,
    ]);
    expect([await again.treeOf(two), await again.firstParent(two)]).toEqual([await applied.treeOf(two), one]);
  });

  test("main moves by compare-and-swap, and repeating a move succeeds", async () => {
    const one = await applied.commit([file("agent.json", "1")], [], FACTS);
    const two = await applied.commit([file("agent.json", "2")], [one], FACTS);
    expect(await applied.moveMain(two, one)).toEqual({ ok: false });
    expect(await applied.moveMain(one, undefined)).toEqual({ ok: true });
    expect(await applied.moveMain(one, undefined)).toEqual({ ok: true });
    expect(await applied.moveMain(two, undefined)).toEqual({ ok: false });
    expect(await applied.moveMain(two, one)).toEqual({ ok: true });
    expect(await applied.moveMain(two, one)).toEqual({ ok: true });
    // Back, as a recorded rollback does.
    expect(await applied.moveMain(one, two)).toEqual({ ok: true });
    expect(await applied.refs()).toEqual(new Map([["refs/heads/main", one]]));
    await expect(applied.moveMain("1".repeat(40), one)).rejects.toThrow(/nonexistent object/);
  });

  test("of many concurrent moves of main from one commit, one wins", async () => {
    const base = await applied.commit([file("agent.json", "0")], [], FACTS);
    await applied.moveMain(base, undefined);
    const nexts = await Promise.all(
      Array.from({ length: 8 }, (_, n) => applied.commit([file("agent.json", `${n}`)], [base], FACTS)),
    );
    const results = await Promise.all(nexts.map((next) => applied.moveMain(next, base)));
    expect(results.filter(({ ok }) => ok)).toHaveLength(1);
    expect((await applied.refs()).get("refs/heads/main")).toBe(nexts[results.findIndex(({ ok }) => ok)]);
  });

  test("tags: plain and annotated, created twice, peeled, read, removed, and never rewritten", async () => {
    const one = await applied.commit([file("agent.json", "1")], [], FACTS);
    const two = await applied.commit([file("agent.json", "2")], [one], FACTS);
    const words = "it did not build:\n\nerror: <b> ünï\n";
    for (const _ of [1, 2]) {
      await applied.tag({ name: "proposal/7", sha: one, at: 5 });
      await applied.tag({ name: "failed/7", sha: one, message: words, at: 5000 });
    }
    expect(await applied.refs()).toEqual(
      new Map([
        ["refs/tags/proposal/7", one],
        ["refs/tags/failed/7", one],
      ]),
    );
    expect(await applied.tagMessage("failed/7")).toBe(words.trimEnd());
    expect(await applied.tagMessage("proposal/7")).toBeUndefined();
    expect(await applied.tagged("proposal/8")).toBeUndefined();
    expect(await applied.tagMessage("denied/7")).toBeUndefined();
    await expect(applied.tag({ name: "proposal/7", sha: two, at: 5 })).rejects.toThrow(/says something else/);
    await expect(applied.tag({ name: "failed/7", sha: one, message: "other", at: 5000 })).rejects.toThrow(/says something else/);
    await expect(applied.tag({ name: "../../x", sha: one, at: 5 })).rejects.toThrow(/not a name/);
    expect(git(applied.folder, "fsck", "--strict", "--no-dangling")).toBe("");
    for (const _ of [1, 2]) await applied.untag("failed/7");
    expect([...(await applied.refs()).keys()]).toEqual(["refs/tags/proposal/7"]);
  });

  test("a lock of a killed git is removed at the next start", async () => {
    const one = await applied.commit([file("agent.json", "1")], [], FACTS);
    await applied.moveMain(one, undefined);
    const two = await applied.commit([file("agent.json", "2")], [one], FACTS);
    for (const lock of ["refs/heads/main.lock", "packed-refs.lock"]) writeFileSync(join(applied.folder, lock), "");
    await expect(applied.moveMain(two, one)).rejects.toThrow(/File exists/);
    const again = (await openRepos(paths(), bwrapPlatform())).applied("coder");
    await again.ensure();
    expect(await again.moveMain(two, one)).toEqual({ ok: true });
  });

  test("is readable by all users and writable only by the daemon, whatever the daemon's umask", async () => {
    const before = process.umask(0o077);
    try {
      const other = repos.applied("other");
      await other.ensure();
      const sha = await other.commit([file("a/b", "1")], [], FACTS);
      await other.moveMain(sha, undefined);
      await other.tag({ name: "deployed/1", sha, message: "m", at: 0 });
      for (const name of readdirSync(other.folder, { recursive: true, encoding: "utf8" })) {
        const { mode } = lstatSync(join(other.folder, name));
        expect([name, mode & 0o044, mode & 0o022]).toEqual([name, 0o044, 0]);
      }
    } finally {
      process.umask(before);
    }
  });

  test("remove leaves nothing, even when repeated", async () => {
    await applied.commit([file("agent.json", "1")], [], FACTS);
    for (const _ of [1, 2]) await applied.remove();
    expect([existsSync(applied.folder), readdirSync(paths().scratch)]).toEqual([false, []]);
  });

  test("a tree that breaks the rules is not committed", async () => {
    await expect(applied.commit([file(".git/hooks/x", "")], [], FACTS)).rejects.toThrow(/is `\.git`/);
    await expect(applied.commit([file("l", "/etc/passwd", "120000")], [], FACTS)).rejects.toThrow(/leaves the tree/);
  });
});

describe("proposed", () => {
  test("starts with the history, a checkout and the configured remote; belongs to its owner; an existing one is kept", async () => {
    const one = await applied.commit([file("agent.json", "1"), file("bin/x", "x", "100755")], [], FACTS);
    const two = await applied.commit(
      [file("agent.json", "2"), file("bin/x", "x", "100755"), file("l", "bin/x", "120000")],
      [one],
      FACTS,
    );
    const made = await repos.ensureProposed("coder", two, OWNER);
    expect(made.folder).toBe(join(root, "proposed/coder/config"));
    for (const name of ["", ...readdirSync(made.folder, { recursive: true, encoding: "utf8" })])
      expect([name, lstatSync(join(made.folder, name)).uid]).toEqual([name, OWNER.uid]);
    expect(lstatSync(join(root, "proposed/coder")).uid).toBe(process.getuid?.());
    expect(git(made.folder, "log", "--format=%H").split("\n")).toEqual([two, one]);
    expect(git(made.folder, "status", "--short")).toBe("");
    expect(git(made.folder, "config", "--get-all", "remote.applied.fetch")).toBe("+refs/tags/*:refs/remotes/applied/refs/tags/*");
    expect(git(made.folder, "config", "remote.applied.url")).toBe("/applied/coder.git");
    expect(git(made.folder, "config", "remote.applied.tagopt")).toBe("--no-tags");

    writeFileSync(join(made.folder, "agent.json"), "mine");
    await repos.ensureProposed("coder", one, OWNER);
    expect(readFileSync(join(made.folder, "agent.json"), "utf8")).toBe("mine");
    // If it was emptied, it is created again: an owner who may not remove the folder itself can only empty it.
    rmSync(made.folder, { recursive: true });
    await repos.ensureProposed("coder", one, OWNER);
    expect(git(made.folder, "rev-parse", "HEAD")).toBe(one);
    for (const _ of [1, 2]) await repos.removeProposed("coder");
    expect([existsSync(join(root, "proposed/coder")), readdirSync(paths().scratch)]).toEqual([false, []]);
  });

  test("a commit of the manager is copied with its history and without a ref", async () => {
    const one = await applied.commit([file("agent.json", "{}")], [], FACTS);
    await applied.moveMain(one, undefined);
    const from = await repos.ensureProposed("coder", one, OWNER);
    writeFileSync(join(from.folder, "agent.json"), `{"model":"opus"}`);
    writeFileSync(join(from.folder, "new"), "new");
    git(from.folder, "add", "-A");
    git(from.folder, "commit", "-qm", "first");
    writeFileSync(join(from.folder, "new"), "newer");
    git(from.folder, "commit", "-qam", "second");
    const sha = git(from.folder, "rev-parse", "HEAD");
    giveAll(from.folder);
    await applied.fetch(from, sha);
    expect(await applied.has(sha)).toBe(true);
    expect(paths_(await applied.files(sha))).toEqual(["agent.json", "new"]);
    expect(await applied.isAncestor(one, sha)).toBe(true);
    expect(await applied.refs()).toEqual(new Map([["refs/heads/main", one]]));
    expect(git(applied.folder, "fsck", "--strict", "--no-dangling")).toBe("");
    // Again, and after the other side has been removed.
    await applied.fetch(from, sha);
    expect(readdirSync(paths().scratch)).toEqual([]);
    rmSync(from.folder, { recursive: true });
    expect(paths_(await applied.files(sha))).toEqual(["agent.json", "new"]);
  });
});

function giveAll(folder: string): void {
  if (process.getuid?.() !== 0) return;
  execFileSync("chown", ["-R", `${OWNER.uid}:${OWNER.gid}`, folder]);
}
