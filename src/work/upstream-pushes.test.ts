import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { followedFolder, type FollowedFolder } from "../../test/lib/followed-folder.ts";
import { openTestSystem, type TestSystem } from "../../test/lib/system.ts";
import { git as ownGit } from "../os/git/git.ts";
import type { Sha } from "../wire/approval.ts";
import type { PushView } from "../wire/work.ts";
import { UpstreamPushes } from "./upstream-pushes.ts";

let system: TestSystem;
let source: FollowedFolder;
let first: Sha;
let made = 0;

beforeEach(async () => {
  system = await openTestSystem();
  await system.work.start();
  source = followedFolder();
  first = source.commit("a.txt", "one\n");
  await system.work.upstreams.add("web", source.exported(), { push: "after-merge" });
});
afterEach(async () => {
  await system.work.pushes.idle();
  expect(system.unexpected).toEqual([]);
  await system.close();
  source.remove();
});

const inHive = async (...argv: string[]): Promise<string> =>
  (await ownGit(system.work.repositories.folder("web"), ["-c", "user.name=t", "-c", "user.email=t", ...argv])).toString().trim();
const pushes = (): PushView[] => system.work.repositories.view(system.work.repositories.get("web")).pushes;
/** The refs of the folder, by name. */
const refs = (): Record<string, string> =>
  Object.fromEntries(
    source
      .git("for-each-ref", "--format=%(refname) %(objectname)")
      .split("\n")
      .map((line) => line.split(" ") as [string, string]),
  );
const audited = (): unknown[] =>
  system.system.store.ledger
    .audited({ kind: "upstream_pushed", before: Number.MAX_SAFE_INTEGER, limit: 9 })
    .map(({ actor, detail }) => [actor, (JSON.parse(detail ?? "{}") as { branch: string; to: string }).to]);

/** The file of an object of the folder. */
const objectFile = (sha: Sha): string => join(source.folder, ".git", "objects", sha.slice(0, 2), sha.slice(2));

/** Moves main as the queue does, to a new commit, and waits for what follows. */
async function merge(onto = system.work.repositories.tip("web", "main") ?? ""): Promise<Sha> {
  const sha = await inHive("commit-tree", `${onto}^{tree}`, "-p", onto, "-m", `merge ${++made}`);
  await system.work.repositories.moveBase("web", "main", sha, system.work.repositories.tip("web", "main"));
  await system.work.pushes.idle();
  return sha;
}

test("each merge is written to hive/<base> of the folder, whole, and nothing else changes there", async () => {
  expect(refs()).toEqual({ "refs/heads/main": first });
  const blob = await inHive("rev-parse", "main:a.txt");
  const sha = await merge();
  expect(refs()).toEqual({ "refs/heads/main": first, "refs/heads/hive/main": sha });
  expect(pushes()).toEqual([{ base: "main", state: "pushed", sha }]);
  expect(audited()).toEqual([["system", sha]]);
  expect(source.git("status", "--porcelain")).toBe("");
  expect(source.git("fsck", "--strict", "--full")).toBe("");
  // The objects are the folder's own: it borrows none.
  expect(existsSync(join(source.folder, ".git", "objects", "info", "alternates"))).toBe(false);
  expect(source.git("cat-file", "-t", blob)).toBe("blob");
  // The operator pulls it, and the base follows as before.
  source.git("merge", "-q", "--ff-only", "hive/main");
  expect(await system.work.upstreams.fetch("web")).toEqual({ moved: [], diverged: [], gone: [] });
  const next = await merge();
  expect(refs()["refs/heads/hive/main"]).toBe(next);
});

test("nothing is written while pushing is off, and a push by hand says how to turn it on", async () => {
  await system.work.repositories.set("web", { settings: { push: "never" } });
  const sha = await merge();
  expect(refs()).toEqual({ "refs/heads/main": first });
  expect(pushes()).toEqual([]);
  await expect(system.work.pushes.push("web", undefined, "operator")).rejects.toThrow("repo set web --push after-merge");
  await system.work.repositories.set("web", { settings: { push: "after-merge" } });
  await expect(system.work.pushes.push("web", "next", "operator")).rejects.toThrow("web has no base next");
  expect(await system.work.pushes.push("web", undefined, "operator")).toEqual({ base: "main", sha, branch: "hive/main" });
  expect(audited()).toEqual([["operator", sha]]);
});

test("a folder that is exported no longer is not written; the failure is shown and tried again", async () => {
  const file = join(source.folder, ".git", "hive-export");
  for (const spoil of [() => rmSync(file), () => writeFileSync(file, "f".repeat(32))]) {
    spoil();
    await merge();
    expect(refs()).toEqual({ "refs/heads/main": first });
    expect(pushes()).toEqual([
      { base: "main", state: "failed", reason: expect.stringContaining("it is not exported to the hive") as string },
    ]);
  }
  await expect(system.work.pushes.push("web", undefined, "operator")).rejects.toThrow("it is not exported to the hive");
  source.exported();
  const { sha } = await system.work.pushes.push("web", undefined, "operator");
  expect(refs()["refs/heads/hive/main"]).toBe(sha);
  expect(pushes()).toEqual([{ base: "main", state: "pushed", sha }]);
});

test.each([
  [
    "is checked out",
    "hive/main is checked out there",
    () => source.git("switch", "-q", "-c", "hive/main"),
    () => source.git("switch", "-q", "main"),
  ],
  [
    "is checked out in a linked work tree",
    "hive/main is checked out there",
    () => source.git("worktree", "add", "-q", "-b", "hive/main", join(source.top, "tree")),
    () => source.git("worktree", "remove", join(source.top, "tree")),
  ],
  [
    "has a commit that the hive lacks",
    "hive/main has commits there that the hive lacks",
    () => {
      source.git("switch", "-q", "-c", "hive/main");
      source.commit("own.txt", "own\n");
      source.git("switch", "-q", "main");
    },
    () => source.git("branch", "-q", "-m", "hive/main", "mine"),
  ],
  [
    "leads to another branch",
    "hive/main is a link there",
    () => source.git("symbolic-ref", "refs/heads/hive/main", "refs/heads/main"),
    () => source.git("symbolic-ref", "-d", "refs/heads/hive/main"),
  ],
  [
    "is in a folder that is a link",
    "hive/main is a link there",
    () => {
      mkdirSync(join(source.top, "elsewhere"));
      symlinkSync(join(source.top, "elsewhere"), join(source.folder, ".git", "refs", "heads", "hive"));
    },
    () => {
      expect(readdirSync(join(source.top, "elsewhere"))).toEqual([]);
      rmSync(join(source.folder, ".git", "refs", "heads", "hive"));
    },
  ],
  [
    "has no room beside a branch",
    "a branch hive is in the way",
    () => source.git("branch", "-q", "hive"),
    () => source.git("branch", "-q", "-D", "hive"),
  ],
  [
    "would lack objects that the folder has lost",
    "objects of its own branches are missing",
    () => renameSync(objectFile(first), join(source.top, "object")),
    () => renameSync(join(source.top, "object"), objectFile(first)),
  ],
])("a branch that %s stays as it is", async (_what, why, spoil, mend) => {
  spoil();
  const before = refs();
  await merge();
  expect(pushes()).toMatchObject([{ state: "failed", reason: expect.stringContaining(why) as string }]);
  expect(refs()).toEqual(before);
  mend();
  const { sha } = await system.work.pushes.push("web", undefined, "operator");
  expect(refs()["refs/heads/hive/main"]).toBe(sha);
  expect(refs()["refs/heads/main"]).toBe(first);
});

test("objects are not removed while they are pushed", async () => {
  const order: string[] = [];
  const { uses } = system.work.repositories;
  const reached = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  system.work.context.failpoint = async (name) => {
    if (name !== "upstream_pushed") return;
    reached.resolve();
    await gate.promise;
    order.push("push");
  };
  const merged = merge();
  await reached.promise;
  const alone = uses.alone("web", async () => void order.push("removal"));
  gate.resolve();
  await Promise.all([merged, alone]);
  expect(order).toEqual(["push", "removal"]);
});

test("no hook of the folder runs", async () => {
  const marker = join(source.top, "ran");
  for (const name of ["reference-transaction", "update", "post-receive", "post-update"])
    writeFileSync(join(source.folder, ".git", "hooks", name), `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 });
  const sha = await merge();
  expect(readFileSync(join(source.folder, ".git", "refs", "heads", "hive", "main"), "utf8").trim()).toBe(sha);
  expect(existsSync(marker)).toBe(false);
});

test("a base that a reset moves back takes its branch along", async () => {
  const sha = await merge();
  const theirs = source.commit("b.txt", "two\n");
  await system.work.upstreams.fetch("web");
  await system.work.divergences.reconcile("web", { by: "reset", ours: sha, upstream: theirs }, "operator");
  await system.work.pushes.idle();
  expect(refs()).toEqual({ "refs/heads/main": theirs, "refs/heads/hive/main": theirs });
});

test("while a base has diverged, its side is pushed, and it goes on once the folder has merged it", async () => {
  const sha = await merge();
  rmSync(join(source.folder, ".git", "refs", "heads", "hive"), { recursive: true });
  source.commit("b.txt", "two\n");
  expect((await system.work.upstreams.fetch("web")).diverged).toEqual(["main"]);
  await system.work.pushes.push("web", undefined, "operator");
  expect(refs()["refs/heads/hive/main"]).toBe(sha);
  source.git("merge", "-q", "--no-edit", "hive/main");
  expect((await system.work.upstreams.fetch("web")).moved).toMatchObject([{ base: "main" }]);
  expect(system.work.repositories.get("web").holds).toEqual({});
});

test.each(["before", "after"])("the next daemon pushes what one that ended %s the push has left", async (when) => {
  system.work.context.failpoint = async (name) => {
    if (name === "upstream_pushed") throw new Error("killed");
  };
  if (when === "before") rmSync(join(source.folder, ".git", "hive-export"));
  const sha = await merge();
  expect(pushes()).toMatchObject([{ state: "failed" }]);
  if (when === "after") expect(system.unexpected.splice(0)).toEqual([new Error("killed")]);
  system.work.context.failpoint = async () => {};
  source.exported();
  // What a git that was killed in the middle leaves.
  if (when === "before") source.git("branch", "-q", "hive/main", first);
  writeFileSync(join(source.folder, ".git", "refs", "heads", "hive", "main.lock"), "");
  const next = new UpstreamPushes(system.work);
  next.start();
  await next.idle();
  expect(refs()["refs/heads/hive/main"]).toBe(sha);
  expect(pushes()).toEqual([{ base: "main", state: "pushed", sha }]);
  expect(audited()).toEqual([["system", sha]]);
  await next.stop();
});
