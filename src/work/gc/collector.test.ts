import type { Agent } from "../../agents/agent.ts";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { agentWith, GIT_USER, openWorkGit, runIn, type WorkGit } from "../../../test/lib/work-git.ts";
import { makeClone } from "../../harness/workspace/clone.ts";
import { gitConfigs } from "../../harness/workspace/gitconfig.ts";
import { git as ownGit } from "../../os/git/git.ts";
import { listRefs, moveRef } from "../../os/git/refs.ts";
import { diffOf } from "../diff.ts";
import type { MergeQueue } from "../queue/merge-queue.ts";
import { Collector } from "./collector.ts";

let work: WorkGit;
let root: string;
let collector: Collector;
let clock = 0;
let clones = 0;
const DAY = 24 * 60 * 60_000;
/** The user that the workspaces belong to: git in the sandbox runs as it. */
const IDENTITY =
  process.getuid?.() === 0 ? { uid: 4321, gid: 4321 } : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const scout = Object.assign(agentWith("scout", { web: "write" }), {
  isUp: false,
  phase: { at: "stopped" },
  record: { identity: IDENTITY },
} as object);

beforeEach(async () => {
  clock = 0;
  work = await openWorkGit([scout]);
  root = work.folder("work");
  Object.assign(work.context, {
    now: () => Date.now() + clock,
    cages: { without: (_agents: unknown, _options: unknown, act: () => unknown) => act() },
    paths: { ...work.context.paths, agent: () => ({ work: root, state: work.folder("state") }) },
  });
  await work.repositories.create("web", {});
  await work.seed("web", "main", { "README.md": "hello\n", "big.txt": "x".repeat(10_000) });
  const queue = { during: (_repo: string, _options: object, act: () => unknown) => act() } as unknown as MergeQueue;
  collector = new Collector({ ...work, queue, branches: work.transport.branches });
});
afterEach(() => work.close());

const GLOBAL = (): Record<string, string> => ({ GIT_CONFIG_GLOBAL: join(work.top, "gitconfig") });
/** Runs git in a workspace, as the agent does in its cage. */
async function git(folder: string, ...argv: string[]): Promise<string> {
  const ended = await runIn(folder, "git", argv, GLOBAL());
  expect(ended, argv.join(" ")).toMatchObject({ code: 0 });
  return ended.out.trim();
}
async function commit(folder: string, name: string): Promise<string> {
  writeFileSync(join(folder, name), `${name}\n`.repeat(100));
  await git(folder, "add", "-A");
  await git(folder, "commit", "-q", "-m", name);
  return git(folder, "rev-parse", "HEAD");
}

/** The workspace of scout, made as its harness makes it. */
async function workspace(): Promise<string> {
  const port = Number(new URL(work.url("scout", "web")).port);
  const { gitconfig = "" } = gitConfigs([], port, root);
  writeFileSync(join(work.top, "gitconfig"), `${gitconfig}[safe]\n\tdirectory = *\n`);
  const folder = join(root, "web");
  const objects = join(work.repositories.folder("web"), "objects");
  const env = { ...GIT_USER, GIT_CONFIG_GLOBAL: join(work.top, "gitconfig") };
  const repo = { name: "web", base: "main", access: "write" as const, setup: "", author: "" };
  const agent = work.context.agents.byId("a-scout") as Agent;
  const { refs: seen } = work.transport.agentGit.callerFor(agent).open("web").names;
  const refs = [...seen].map(([name, sha]) => ({ name, sha }));
  await makeClone(repo, { refs, folder, scratch: join(root, "new"), objects, env });
  return folder;
}

/** Gives the workspaces to their user, as files of a cage are. */
function own(): void {
  if (process.getuid?.() === 0) execFileSync("chown", ["-R", `${IDENTITY.uid}:${IDENTITY.gid}`, root, work.folder("state")]);
}
/** Which of these objects the repository has. */
const present = (...shas: string[]): boolean[] => {
  const argv = ["--git-dir", work.repositories.folder("web"), "cat-file", "--batch-check"];
  const lines = execFileSync("git", argv, { input: shas.join("\n"), encoding: "utf8" })
    .trim()
    .split("\n");
  return lines.map((line) => !line.endsWith(" missing"));
};
const has = (sha: string): boolean => present(sha)[0] === true;
async function expectWhole(...folders: string[]): Promise<void> {
  for (const folder of [work.repositories.folder("web"), ...folders])
    expect(
      await runIn(folder, "git", ["fsck", "--full", "--no-dangling"], { GIT_CONFIG_GLOBAL: join(work.top, "gitconfig") }),
    ).toMatchObject({ code: 0 });
}

/** A workspace that needs what no ref of the hive reaches any more, in every way that git knows. */
async function needy(): Promise<{ web: string; copy: string; needed: string[]; garbage: string }> {
  const web = await workspace();
  const pushed = async (name: string): Promise<string> => {
    const sha = await commit(web, name);
    await git(web, "push", "-q", "origin", `HEAD:refs/heads/${name}`);
    return sha;
  };
  const drop = (name: string): Promise<string> => git(web, "push", "-q", "origin", `:${name}`);
  await git(web, "switch", "-q", "-c", "topic");
  // Pushed, built on by a commit that is not, and removed from the hive.
  const built = await pushed("built");
  await commit(web, "unpushed");
  // A stash on a pushed commit.
  await git(web, "switch", "-q", "-c", "stashed", "main");
  const stashed = await pushed("stash-base");
  writeFileSync(join(web, "stash-base"), "changed\n");
  await git(web, "stash");
  await git(web, "switch", "-q", "main");
  await git(web, "branch", "-q", "-D", "stashed");
  // A detached HEAD, and a second work tree on another one.
  await git(web, "switch", "-q", "--detach", "main");
  const tree = await pushed("tree");
  await git(web, "worktree", "add", "-q", "--detach", join(root, "tree"), tree);
  await git(web, "switch", "-q", "--detach", "main");
  const staged = await pushed("staged");
  // A cherry-pick of two that stopped at the first: git notes the second in short.
  await git(web, "switch", "-q", "--detach", "main");
  const first = await pushed("picked");
  writeFileSync(join(web, "picked"), "again\n");
  await git(web, "commit", "-qam", "picked again");
  await git(web, "push", "-q", "origin", "HEAD:refs/heads/picked");
  const later = await git(web, "rev-parse", "HEAD");
  const picker = join(root, "picker");
  await git(web, "worktree", "add", "-q", "--detach", picker, "main");
  await commit(picker, "picked");
  writeFileSync(join(picker, "picked"), "other\n");
  await git(picker, "commit", "-qam", "in the way");
  expect(await runIn(picker, "git", ["cherry-pick", first, later], GLOBAL())).toMatchObject({ code: 1 });
  await git(web, "switch", "-q", "--detach", "main");
  const detached = await pushed("detached");
  // A copy that borrows through the first one.
  const copy = join(root, "copy");
  const inCopy = await pushed("copied");
  await git(root, "clone", "-q", "--shared", web, copy);
  await git(copy, "switch", "-q", "--detach", inCopy);
  await git(web, "switch", "-q", "--detach", detached);
  // Only the index names the file, which the hive has from a pushed commit.
  const blob = await git(web, "rev-parse", `${staged}:staged`);
  await git(web, "update-index", "--add", "--cacheinfo", `100644,${blob},again`);
  await git(web, "reflog", "expire", "--expire=now", "--all");
  for (const name of ["built", "stash-base", "tree", "staged", "detached", "copied", "picked"]) await drop(name);
  // The workspaces keep only what they cannot borrow.
  for (const folder of [web, copy]) await git(folder, "gc", "-q", "--prune=now");
  // What nothing needs.
  const other = await workspaceElsewhere();
  return { web, copy, needed: [built, stashed, tree, blob, detached, inCopy, later], garbage: other };
}

/** Stores an annotated tag of main in the hive, without a ref. Returns its object. */
async function annotated(name: string): Promise<string> {
  const tip = work.repositories.tip("web", "main") ?? "";
  const input = `object ${tip}\ntype commit\ntag ${name}\ntagger t <t@hive.invalid> 1767323045 +0000\n\n${name}\n`;
  const argv = ["hash-object", "-t", "tag", "-w", "--stdin"];
  return (await ownGit(work.repositories.folder("web"), argv, { input })).toString().trim();
}

/** A commit that was pushed from a place that is gone, and removed. */
async function workspaceElsewhere(): Promise<string> {
  const folder = join(work.folder("elsewhere"), String(++clones));
  await git(work.top, "clone", "-q", work.url("scout", "web"), folder);
  const sha = await commit(folder, "garbage");
  await git(folder, "push", "-q", "origin", "HEAD:refs/heads/garbage");
  await git(folder, "push", "-q", "origin", ":garbage");
  return sha;
}

test("what no base, branch or workspace needs goes, and all that a workspace needs stays", async () => {
  const [v1, v2] = [await annotated("v1"), await annotated("v2")];
  await work.repositories.setTags("web", new Map([["v1", v1]]));
  const { web, copy, needed, garbage } = await needy();
  // One that no workspace has.
  await work.repositories.setTags("web", new Map(Object.entries({ v1, v2 })));
  own();
  const estimate = await collector.estimate("web");
  const result = await collector.run("web", { now: false, by: "operator" });
  expect(has(garbage)).toBe(false);
  expect(present(v1, v2)).toEqual([true, true]);
  expect(await git(web, "describe", "origin/main")).toBe("v1");
  expect(present(...needed)).toEqual(needed.map(() => true));
  await expectWhole(web, copy, join(root, "tree"));
  expect(await git(web, "show", "refs/stash:stash-base")).toBe("changed");
  expect(result.after.objects).toBe(estimate.after.objects);
  expect(result.after.objects).toBeLessThan(result.before.objects);
  const [line] = work.store.ledger.audited({ kind: "repo_collected", before: Number.MAX_SAFE_INTEGER, limit: 1 });
  expect(JSON.parse(line?.detail ?? "")).toMatchObject({ repo: "web", before: result.before, after: result.after });
  // What was left is one pack, and a second run removes nothing.
  expect((await collector.run("web", { now: false, by: "operator" })).after).toEqual(result.after);
});

test("an old branch goes with its row, unless an open change or something that stays needs it", async () => {
  const web = await workspace();
  const shas: string[] = [];
  for (const name of ["old", "proposed", "kept", "new"]) {
    if (name === "new") clock = 20 * DAY;
    await git(web, "switch", "-q", "--detach", "origin/main");
    shas.push(await commit(web, name));
    await git(web, "push", "-q", "origin", `HEAD:refs/heads/${name}`);
  }
  const [old = "", proposed = "", kept = "", fresh = ""] = shas;
  await work.store.write(() => {
    const row = {
      id: 900,
      seq: 900,
      repo: "web",
      agent: scout.id,
      agent_name: "scout",
      branch: "proposed",
      base: "main",
      round: 2,
    };
    const empty = { title: "", body: "", digest: "", stat: "{}", marks: "[]", proposed_at: 0, undecided: 0, has_log: 0 };
    const none = { decided_by: null, decided_at: null, note: null, reason: null, queued_at: null, candidate: null };
    const more = {
      candidate_base: null,
      merged_sha: null,
      merge_base: null,
      reviewed_sha: null,
      early_check: null,
      updated_at: 0,
    };
    work.store.changes.insert({ ...row, ...empty, ...none, ...more, state: "proposed", sha: proposed });
    work.store.changes.insert({ ...row, ...empty, ...none, ...more, id: 901, seq: 901, state: "denied", sha: old });
  });
  const folder = work.repositories.folder("web");
  await moveRef(folder, "refs/changes/900/2", proposed, undefined);
  await moveRef(folder, "refs/changes/901/2", old, undefined);
  // Another agent's workspace would need all of them: this one is gone but for one commit.
  execFileSync("rm", ["-rf", join(root, "web")]);
  mkdirSync(join(root, "web/.git/objects/info"), { recursive: true });
  writeFileSync(join(root, "web/.git/objects/info/alternates"), "/run/hive/objects/web\n");
  writeFileSync(join(root, "web/.git/HEAD"), `${kept}\n`);
  own();
  clock = 40 * DAY;
  const pushed = work.store.repositories.pushedBytes(scout.id);
  expect((await collector.estimate("web")).branches).toEqual(["scout/old"]);
  expect(has(old)).toBe(true);
  expect((await collector.run("web", { now: false, by: "operator" })).branches).toEqual(["scout/old"]);
  expect(present(old, proposed, kept, fresh)).toEqual([false, true, true, true]);
  expect(work.store.repositories.branches("web").map(({ branch }) => branch)).toEqual(["kept", "new", "proposed"]);
  expect([...(await listRefs(folder, ["refs/changes"])).keys()]).toEqual(["refs/changes/900/2"]);
  expect([...(await listRefs(folder, ["refs/agents"])).keys()]).toHaveLength(3);
  expect(work.store.repositories.pushedBytes(scout.id)).toBeLessThan(pushed);
  await expectWhole();
  // The page of a change that ended long ago has no diff any more, and says why.
  await expect(diffOf(work.git, "web", work.repositories.tip("web", "main"), old)).rejects.toThrow("its commits are gone");
});

test("nothing that a workspace contains runs, and one that cannot be read keeps everything", async () => {
  const web = await workspace();
  const touched = join(root, "touched");
  await git(web, "config", "core.fsmonitor", `touch ${touched}; false`);
  await git(web, "config", "core.hooksPath", join(root, "hooks"));
  await git(web, "config", "core.pager", `touch ${touched}`);
  await git(web, "config", "filter.x.clean", `touch ${touched}`);
  await git(web, "config", "extensions.partialClone", "origin");
  mkdirSync(join(web, ".git/refs/replace"), { recursive: true });
  mkdirSync(join(web, ".git/info"), { recursive: true });
  writeFileSync(join(web, ".git/info/grafts"), `${"1".repeat(40)} ${"2".repeat(40)}\n`);
  writeFileSync(join(web, ".git/shallow"), `${"3".repeat(40)}\n`);
  writeFileSync(join(web, ".gitattributes"), "* filter=x\n");
  const garbage = await workspaceElsewhere();
  own();
  await collector.run("web", { now: false, by: "operator" });
  expect(has(garbage)).toBe(false);
  expect(existsSync(touched)).toBe(false);

  const again = await workspaceElsewhere();
  const refusals: [string, () => void][] = [
    ["web/.git/index", () => writeFileSync(join(web, ".git/index"), "DIRC broken")],
    ["keeps its refs in a reftable", () => mkdirSync(join(web, ".git/reftable"))],
    [
      "linked/objects is a link",
      () => {
        mkdirSync(join(root, "linked"));
        writeFileSync(join(root, "linked/HEAD"), "");
        symlinkSync("/tmp", join(root, "linked/objects"));
      },
    ],
    [
      "linked/objects/info/alternates is a link",
      () => {
        mkdirSync(join(root, "linked/objects/info"), { recursive: true });
        writeFileSync(join(root, "linked/HEAD"), "");
        symlinkSync("/tmp/x", join(root, "linked/objects/info/alternates"));
      },
    ],
  ];
  for (const [words, act] of refusals) {
    act();
    own();
    await expect(collector.run("web", { now: false, by: "operator" })).rejects.toThrow(words);
    expect(has(again)).toBe(true);
    execFileSync("rm", ["-rf", join(web, ".git/index"), join(web, ".git/reftable"), join(root, "linked")]);
  }
  await collector.run("web", { now: false, by: "operator" });
  expect(has(again)).toBe(false);
});

test("a removal that breaks at any step, by an error or a full disk, leaves all that is needed, and can be repeated", async () => {
  const { web, copy, needed } = await needy();
  own();
  const folder = work.repositories.folder("web");
  for (const point of ["gc_roots", "gc_packed", "gc_refs", "gc_kept", "gc_removing", "gc_removed"])
    for (const error of [new Error("broken"), Object.assign(new Error("full"), { code: "ENOSPC" })]) {
      const input = `${point} ${error.message}`;
      execFileSync("git", ["--git-dir", folder, "hash-object", "-w", "--stdin"], { input });
      work.context.disk.checkAfter = () => "code" in error;
      let passed = 0;
      work.breakAt.set(point, () => {
        // In the middle of the files that go.
        if (++passed === (point === "gc_removing" ? 2 : 1)) throw error;
      });
      await expect(collector.run("web", { now: false, by: "operator" })).rejects.toThrow(
        "code" in error ? "the disk is full" : "broken",
      );
      work.breakAt.clear();
      expect(present(...needed).every(Boolean), input).toBe(true);
      await expectWhole(web, copy);
    }
  await collector.run("web", { now: false, by: "operator" });
  expect(present(...needed).every(Boolean)).toBe(true);
  expect(readdirSync(join(folder, "objects")).filter((name) => name.length === 2)).toHaveLength(0);
  await expectWhole(web, copy);
  expect(readdirSync(join(work.top, "scratch"))).toEqual([]);
});

test("a push, a fetch and a merge that run are waited for, and later ones wait", async () => {
  const { uses } = work.repositories;
  own();
  const order: string[] = [];
  const first = Promise.withResolvers<void>();
  const one = uses.during("web", () => first.promise.then(() => void order.push("push")));
  const alone = collector.run("web", { now: false, by: "operator" }).then(() => void order.push("removal"));
  await expect.poll(() => order.length === 0 && work.repositories.view(work.repositories.get("web")).collecting).toBeTruthy();
  await expect(collector.run("web", { now: false, by: "operator" })).rejects.toThrow("are being removed");
  await expect(work.repositories.remove("web")).rejects.toThrow("remove it once that is done");
  first.resolve();
  await Promise.all([one, alone]);
  expect(order).toEqual(["push", "removal"]);
  expect(work.repositories.view(work.repositories.get("web")).collecting).toBeUndefined();
});

test("an agent that begins to work on the repository meanwhile keeps everything, and a later start waits", async () => {
  own();
  const garbage = await workspaceElsewhere();
  Object.assign(scout, { phase: { at: "running", running: {} } });
  try {
    await expect(collector.run("web", { now: false, by: "operator" })).rejects.toThrow("scout began to work on web meanwhile");
  } finally {
    Object.assign(scout, { phase: { at: "stopped" } });
  }
  expect(has(garbage)).toBe(true);
});

test("a clone of another repository is not read, so that its agent may work meanwhile", async () => {
  const other = join(root, "other/.git");
  mkdirSync(join(other, "objects/info"), { recursive: true });
  mkdirSync(join(other, "reftable"));
  const alternates = join(other, "objects/info/alternates");
  writeFileSync(alternates, "/run/hive/objects/api\n");
  own();
  await collector.run("web", { now: false, by: "operator" });
  for (const lines of ["/run/hive/objects/api\n/run/hive/objects/web\n", "/work/web/.git/objects\n"]) {
    writeFileSync(alternates, lines);
    own();
    await expect(collector.run("web", { now: false, by: "operator" })).rejects.toThrow("keeps its refs in a reftable");
  }
});
