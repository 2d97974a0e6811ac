import { execFileSync } from "node:child_process";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { followedFolder, NONCE, type FollowedFolder } from "../../test/lib/followed-folder.ts";
import { openTestSystem, type TestSystem } from "../../test/lib/system.ts";
import { Repositories } from "./repositories.ts";

let system: TestSystem;
let source: FollowedFolder;
let { top, folder, git, commit, exported } = {} as FollowedFolder;

beforeEach(async () => {
  system = await openTestSystem();
  await system.work.start();
  source = followedFolder();
  ({ top, folder, git, commit, exported } = source);
});
afterEach(async () => {
  expect(system.unexpected).toEqual([]);
  await system.close();
  source.remove();
});

test("a repository gets the branches of an exported folder, and its bases follow forward", async () => {
  const first = commit("a.txt", "one\n");
  git("branch", "release/1.x");
  const { repositories, upstreams } = system.work;
  await upstreams.add("web", exported(), { check: "true" });
  expect([...repositories.tips("web")]).toEqual([
    ["main", first],
    ["release/1.x", first],
  ]);
  expect(repositories.view(repositories.get("web"))).toMatchObject({
    base: "main",
    check: "true",
    upstream: join(folder, ".git"),
  });
  const second = commit("b.txt", "two\n");
  expect(await upstreams.fetch("web")).toEqual({ moved: [{ base: "main", from: first, to: second }], diverged: [], gone: [] });
  expect(repositories.tip("web", "main")).toBe(second);
  expect(repositories.tip("web", "release/1.x")).toBe(first);
  // The daemon has written nothing there.
  expect(git("status", "--porcelain")).toBe("");
});

test("the tags of the folder are fetched with what they name, and follow it", async () => {
  const first = commit("a.txt", "one\n");
  git("tag", "plain");
  git("tag", "-a", "-m", "first", "v1.0");
  // A release whose branch was deleted.
  git("switch", "-q", "-c", "release");
  const aside = commit("r.txt", "release\n");
  git("tag", "-a", "-m", "aside", "@scope/pkg@1.0.0+build.1");
  git("switch", "-q", "main");
  git("branch", "-q", "-D", "release");
  // Tags of no commit, and one whose name the hive does not take.
  git("tag", "blob", git("hash-object", "a.txt"));
  git("tag", "tree", `${first}^{tree}`);
  git("tag", "naïve");
  const { repositories, upstreams } = system.work;
  const sha = (tag: string): string => git("rev-parse", `refs/tags/${tag}`);
  const tags = (): Record<string, string> => Object.fromEntries(repositories.tags("web"));
  await upstreams.add("web", exported(), {});
  expect(tags()).toEqual({ plain: first, "v1.0": sha("v1.0"), "@scope/pkg@1.0.0+build.1": sha("@scope/pkg@1.0.0+build.1") });
  const inHive = (...argv: string[]): string =>
    execFileSync("git", ["--git-dir", repositories.folder("web"), ...argv], { encoding: "utf8" }).trim();
  expect(inHive("rev-parse", "@scope/pkg@1.0.0+build.1^{commit}")).toBe(aside);
  // One is moved, one is gone, and one has the name of another as its folder. A base moves beside it.
  const second = commit("b.txt", "two\n");
  git("tag", "-f", "plain");
  git("tag", "-d", "v1.0");
  git("tag", "v1.0/rc", first);
  expect(await upstreams.fetch("web")).toMatchObject({ moved: [{ base: "main", to: second }] });
  const now = { plain: second, "v1.0/rc": first, "@scope/pkg@1.0.0+build.1": sha("@scope/pkg@1.0.0+build.1") };
  expect(tags()).toEqual(now);
  inHive("fsck", "--strict", "--no-dangling");
  // The next daemon knows them.
  const next = new Repositories(system.work.context);
  await next.open();
  expect(Object.fromEntries(next.tags("web"))).toEqual(now);
});

test("many tags are fetched at once, and packed", async () => {
  const first = commit("a.txt", "one\n");
  const lines = Array.from({ length: 150 }, (_, nth) => `create refs/tags/v${nth} ${first}\n`).join("");
  execFileSync("git", ["-C", folder, "update-ref", "--stdin"], { input: lines });
  const { repositories, upstreams } = system.work;
  await upstreams.add("web", exported(), {});
  expect(repositories.tags("web").size).toBe(150);
  expect(readdirSync(join(repositories.folder("web"), "refs", "tags"))).toEqual([]);
});

test("a base with commits on both sides has diverged: it stays, and its queue stops until it is solved", async () => {
  commit("a.txt", "one\n");
  const { repositories, upstreams } = system.work;
  await upstreams.add("web", exported(), {});
  const ours = commit("ours.txt", "ours\n");
  await upstreams.fetch("web");
  git("reset", "-q", "--hard", "HEAD~1");
  const theirs = commit("theirs.txt", "theirs\n");
  expect(await upstreams.fetch("web")).toEqual({ moved: [], diverged: ["main"], gone: [] });
  expect(repositories.tip("web", "main")).toBe(ours);
  expect(repositories.view(repositories.get("web")).queues).toMatchObject([{ base: "main", state: "stopped" }]);
  await expect(system.work.queue.resume("web", "main", "operator")).rejects.toThrow("repo reconcile web --base main");
  // Nor does a pause in between let it go on.
  await system.work.queue.pause("web", "main", "operator");
  await expect(system.work.queue.resume("web", "main", "operator")).rejects.toThrow("each have commits that the other lacks");
  git("merge", "-q", "--no-edit", ours);
  const { moved } = await upstreams.fetch("web");
  expect(moved).toEqual([{ base: "main", from: ours, to: git("rev-parse", "HEAD") }]);
  expect(theirs).not.toBe(ours);
  // What the operator has paused stays so.
  expect(repositories.view(repositories.get("web")).queues).toEqual([
    { base: "main", state: "paused", reason: "the operator paused it", waiting: [] },
  ]);
  await system.work.queue.resume("web", "main", "operator");
  expect(repositories.view(repositories.get("web")).queues).toEqual([]);
});

test("what is not exported, not whole or not a repository is refused with the reason, and leaves nothing", async () => {
  const { repositories, upstreams } = system.work;
  const added = (name: string, settings = {}): Promise<unknown> =>
    upstreams.add(name, { folder: join(folder, ".git"), nonce: NONCE }, settings);
  await expect(added("web")).rejects.toThrow("it is not exported to the hive");
  exported();
  await expect(added("web")).rejects.toThrow("has no branch with a commit");
  const sha = commit("a.txt", "one\n");
  await expect(added("web", { base: "trunk" })).rejects.toThrow("has no branch trunk: it has main");
  writeFileSync(join(folder, ".git", "shallow"), `${sha}\n`);
  await expect(added("web")).rejects.toThrow("it is a shallow clone");
  rmSync(join(folder, ".git", "shallow"));
  writeFileSync(join(folder, ".git", "objects", "info", "alternates"), "/somewhere/objects\n");
  await expect(added("web")).rejects.toThrow("it borrows objects");
  rmSync(join(folder, ".git", "objects", "info", "alternates"));
  git("config", "extensions.partialClone", "origin");
  await expect(added("web")).rejects.toThrow("it is a partial clone");
  git("config", "--unset", "extensions.partialClone");
  rmSync(join(folder, ".git", "objects", sha.slice(0, 2)), { recursive: true });
  await expect(added("web")).rejects.toThrow();
  await expect(upstreams.add("web", { folder: join(top, "nowhere"), nonce: NONCE }, {})).rejects.toThrow("is not a folder");
  expect(repositories.all()).toEqual([]);
});

test("a folder whose owner has exported it again is read with the new nonce, and with no other", async () => {
  commit("a.txt", "one\n");
  const { repositories, upstreams } = system.work;
  await upstreams.add("web", exported(), {});
  const second = commit("a.txt", "two\n");
  const fresh = "1".repeat(32);
  writeFileSync(join(folder, ".git", "hive-export"), fresh);
  await expect(upstreams.fetch("web")).rejects.toThrow("it is not exported to the hive");
  await expect(upstreams.fetch("web", { nonce: "2".repeat(32) })).rejects.toThrow("it is not exported to the hive");
  await upstreams.fetch("web", { nonce: fresh });
  expect(repositories.tip("web", "main")).toBe(second);
  // It is kept: the next fetch needs no nonce.
  await upstreams.fetch("web");
});

test("a hook or a filter of the folder does not run when the daemon reads it", async () => {
  const marker = join(top, "ran");
  commit("a.txt", "one\n");
  for (const name of ["pre-auto-gc", "post-checkout", "reference-transaction"]) {
    writeFileSync(join(folder, ".git", "hooks", name), `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 });
  }
  git("config", "core.fsmonitor", `touch ${marker}`);
  git("config", "uploadpack.packObjectsHook", `touch ${marker}`);
  await system.work.upstreams.add("web", exported(), {});
  expect(() => execFileSync("test", ["-e", marker])).toThrow();
});

test("a branch that is gone from the folder takes its base along, unless the base has commits of its own", async () => {
  const first = commit("a.txt", "one\n");
  git("branch", "old");
  git("branch", "kept");
  const { repositories, upstreams } = system.work;
  await upstreams.add("web", exported(), {});
  const second = commit("b.txt", "two\n");
  await upstreams.fetch("web");
  // What was merged here and was never upstream.
  expect(await repositories.moveBase("web", "kept", second, first)).toBe(true);
  git("branch", "-D", "old", "kept");
  const { gone } = await upstreams.fetch("web");
  expect(gone.sort()).toEqual(["kept", "old"]);
  expect([...repositories.tips("web").keys()].sort()).toEqual(["kept", "main"]);
  expect(repositories.view(repositories.get("web")).queues).toMatchObject([{ base: "kept", state: "stopped" }]);
});
