import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { agentWith, openWorkGit, runIn, type GitEnd, type WorkGit } from "../../../test/lib/work-git.ts";
import { git as ownGit } from "../../os/git/git.ts";
import { listRefs, moveRef, readRef, removeRef } from "../../os/git/refs.ts";
import type { Sha } from "../../wire/approval.ts";

let work: WorkGit;
const agents = [
  agentWith("scout", { web: "write" }),
  agentWith("bob", { web: "write" }),
  agentWith("reader", { web: "read" }),
  agentWith("stranger", {}),
];
let clones = 0;

beforeAll(async () => {
  work = await openWorkGit(agents);
  await work.repositories.create("web", {});
  await work.seed("web", "main", { "README.md": "hello\n" });
});
afterAll(() => work.close());

/** Stores an annotated tag of a commit, without a ref. Returns its object. */
async function annotated(folder: string, name: string, sha: Sha): Promise<Sha> {
  const text = `object ${sha}\ntype commit\ntag ${name}\ntagger t <t@hive.invalid> 1767323045 +0000\n\n${name}\n`;
  return (await ownGit(folder, ["hash-object", "-t", "tag", "-w", "--stdin"], { input: text })).toString().trim();
}

/** A fresh clone of an agent. */
async function clone(agent: string): Promise<{ git(...argv: string[]): Promise<GitEnd>; commit(text: string): Promise<string> }> {
  const folder = work.folder(`clone-${++clones}`);
  const cloned = await runIn(work.top, "git", ["clone", "-q", work.url(agent, "web"), folder]);
  expect(cloned).toMatchObject({ code: 0, err: "" });
  const git = (...argv: string[]): Promise<GitEnd> => runIn(folder, "git", argv);
  await git("config", "push.default", "current");
  return {
    git,
    async commit(text) {
      writeFileSync(join(folder, "notes.txt"), text);
      await git("add", "-A");
      expect(await git("commit", "-q", "-m", text)).toMatchObject({ code: 0 });
      return (await git("rev-parse", "HEAD")).out.trim();
    },
  };
}

const branches = (): [string, string, string][] =>
  work.store.repositories.branches("web").map(({ agent, branch, sha }) => [agent, branch, sha]);

test("a branch is pushed under its short name, and everyone sees it under its owner's", async () => {
  const { git, commit } = await clone("scout");
  await git("switch", "-q", "-c", "topic");
  const sha = await commit("one");
  const pushed = await git("push", "-u", "origin", "topic");
  expect(pushed).toMatchObject({ code: 0 });
  expect(pushed.err).toContain("stored as scout/topic of web");
  expect(branches()).toEqual([["a-scout", "topic", sha]]);
  expect(await readRef(work.repositories.folder("web"), "refs/agents/a-scout/topic")).toBe(sha);

  // What a model types next works as with any server.
  const second = await commit("two");
  expect(await git("push")).toMatchObject({ code: 0 });
  expect((await git("status", "-sb")).out).toContain("## topic...origin/topic\n");
  expect(branches()).toEqual([["a-scout", "topic", second]]);
  await git("commit", "-q", "--amend", "-m", "three");
  expect(await git("push")).toMatchObject({ code: 1 });
  expect(await git("push", "--force-with-lease")).toMatchObject({ code: 0 });
  const third = (await git("rev-parse", "HEAD")).out.trim();
  expect(await git("push", "origin", "HEAD")).toMatchObject({ code: 0 });

  const other = await clone("bob");
  expect((await other.git("branch", "-r")).out.trim().split(/\s*\n\s*/)).toEqual([
    "origin/HEAD -> origin/main",
    "origin/main",
    "origin/scout/topic",
  ]);
  expect((await other.git("rev-parse", "origin/scout/topic")).out.trim()).toBe(third);
  expect(await git("push", "origin", "--delete", "topic")).toMatchObject({ code: 0 });
  expect(branches()).toEqual([]);
  expect(await readRef(work.repositories.folder("web"), "refs/agents/a-scout/topic")).toBeUndefined();
});

test("an agent reads what its config names, and writes only where it may", async () => {
  const reader = await clone("reader");
  await reader.git("switch", "-q", "-c", "topic");
  await reader.commit("mine");
  const pushed = await reader.git("push", "origin", "topic");
  expect(pushed.code).toBe(128);
  expect(pushed.err).toContain("remote error: reader may read web and not push to it");
  const none = await runIn(work.top, "git", ["clone", work.url("stranger", "web"), work.folder("none")]);
  expect(none.err).toContain("remote error: stranger has no repository web: its config names none");
  const typo = await runIn(work.top, "git", ["clone", work.url("scout", "wbe"), work.folder("typo")]);
  expect(typo.err).toContain("scout has no repository wbe: it has web");
});

test("the tags of the upstream are in a clone and in later fetches, and do not hinder a push of all tags", async () => {
  const { git, commit } = await clone("scout");
  const web = work.repositories.folder("web");
  const tip = work.repositories.tip("web", "main") ?? "";
  const tag = (name: string): Promise<Sha> => annotated(web, name, tip);
  await work.repositories.setTags("web", new Map([["v0", await tag("v0")]]));
  expect(await git("fetch", "-q", "--tags")).toMatchObject({ code: 0 });
  expect((await git("tag")).out).toBe("v0\n");
  await git("switch", "-q", "-c", "tagged");
  await commit("tagged");
  expect((await git("describe")).out).toMatch(/^v0-1-g/);
  expect(await git("push", "--follow-tags", "origin", "tagged")).toMatchObject({ code: 0 });
  expect(await git("push", "--tags", "origin")).toMatchObject({ code: 0 });
  const fresh = await clone("reader");
  expect((await fresh.git("describe", "origin/main")).out).toBe("v0\n");
  // One of its own is refused.
  await git("tag", "-a", "-m", "mine", "mine");
  const pushed = await git("push", "--tags", "origin");
  expect(pushed).toMatchObject({ code: 1 });
  expect(pushed.err).toContain("tags cannot be pushed");
  await git("push", "-q", "origin", ":tagged");
});

test.each([
  ["a base", "HEAD:refs/heads/main", "main is a base, which only the merge queue moves. Commit on a branch of your own"],
  ["the branch of another agent", "HEAD:refs/heads/bob/topic", "bob/… are the branches of bob"],
  ["a tag", "HEAD:refs/tags/v1", "tags cannot be pushed: the tags are those of the folder that web follows. Push a branch"],
  ["the removal of a tag", ":refs/tags/v0", "ask the operator for the tag"],
  ["a pinned change", "HEAD:refs/changes/1/1", "only branches can be pushed"],
  ["the refs of the daemon", "HEAD:refs/agents/a-bob/topic", "only branches can be pushed"],
  ["a branch in the folder of a base", "HEAD:refs/heads/main/x", "there cannot be a branch main/x beside the base main"],
  ["its own name", "HEAD:refs/heads/scout", "scout is the name that your branches begin with"],
  ["a character that a branch does not have", "HEAD:refs/heads/a+b", "a branch's name has letters, digits"],
])("%s is refused, and the terminal says why", async (_what, refspec, words) => {
  const { git, commit } = await clone("scout");
  await commit("x");
  const before = branches();
  const pushed = await git("push", "origin", refspec);
  expect(pushed.code).toBe(1);
  expect(pushed.err).toContain("remote rejected");
  expect(pushed.err).toContain(words);
  expect(branches()).toEqual(before);
});

test("a push with one refused branch stores none of its branches", async () => {
  const { git, commit } = await clone("scout");
  await commit("x");
  const pushed = await git("push", "origin", "HEAD:refs/heads/good", "HEAD:refs/heads/main");
  expect(pushed.err).toContain("another branch of this push was refused");
  expect(branches()).toEqual([]);
});

test("branches that fit side by side are stored, others are refused", async () => {
  const { git, commit } = await clone("scout");
  await commit("x");
  expect(await git("push", "origin", "HEAD:refs/heads/a/b", "HEAD:refs/heads/scout/c")).toMatchObject({ code: 0 });
  expect((await git("push", "origin", "HEAD:refs/heads/a")).err).toContain("in the folder of the other");
  expect((await git("push", "origin", "HEAD:refs/heads/d", "HEAD:refs/heads/scout/d")).err).toContain("names this branch twice");
  expect(await git("push", "origin", ":a/b", ":c")).toMatchObject({ code: 0 });
  expect(branches()).toEqual([]);
});

test.each(["push_received", "push_objects", "push_ref"])(
  "a push that breaks at %s is not acknowledged and leaves nothing",
  async (point) => {
    const { git, commit } = await clone("scout");
    await git("switch", "-q", "-c", "topic");
    await commit(point);
    work.breakAt.set(point, () => {
      throw new Error(`broken at ${point}`);
    });
    const pushed = await git("push", "origin", "topic");
    work.breakAt.clear();
    expect(pushed.code).toBe(1);
    expect(pushed.err).toContain("the push failed inside the hive");
    expect(work.unexpected.splice(0)).toMatchObject([{ message: `broken at ${point}` }]);
    expect(branches()).toEqual([]);
    expect(await readRef(work.repositories.folder("web"), "refs/agents/a-scout/topic")).toBeUndefined();
    expect(await git("push", "origin", "topic")).toMatchObject({ code: 0 });
    expect(await git("push", "origin", ":topic")).toMatchObject({ code: 0 });
  },
);

test("what a killed daemon has left follows the rows when it starts, and a purge removes all of an agent", async () => {
  const folder = work.repositories.folder("web");
  const main = work.repositories.tip("web", "main") ?? "";
  const { git, commit } = await clone("scout");
  const sha = await commit("kept");
  expect(await git("push", "-q", "origin", "HEAD:kept", "HEAD:lost")).toMatchObject({ code: 0 });
  // Killed between the ref and the row: of a move, of a new branch, and of a removal.
  await moveRef(folder, "refs/agents/a-scout/kept", main, sha);
  await moveRef(folder, "refs/agents/a-scout/ahead", main, undefined);
  await removeRef(folder, "refs/agents/a-scout/lost");
  await work.transport.branches.open();
  const refs = new Map([
    ["refs/agents/a-scout/kept", sha],
    ["refs/agents/a-scout/lost", sha],
  ]);
  expect(await listRefs(folder, ["refs/agents"])).toEqual(refs);

  expect(work.store.repositories.pushedBytes("a-scout")).toBeGreaterThan(0);
  await work.transport.branches.purge("a-scout");
  expect(await listRefs(folder, ["refs/agents"])).toEqual(new Map());
  expect(branches()).toEqual([]);
  expect(work.store.repositories.pushedBytes("a-scout")).toBe(0);
});

test("a push whose answer is lost after its row counts, and the same push again changes nothing", async () => {
  const { git, commit } = await clone("scout");
  const sha = await commit("late");
  work.breakAt.set("push_row", () => {
    throw new Error("broken at push_row");
  });
  expect((await git("push", "origin", "HEAD:late")).err).toContain("the push failed inside the hive");
  work.breakAt.clear();
  work.unexpected.splice(0);
  expect(branches()).toEqual([["a-scout", "late", sha]]);
  expect((await git("push", "origin", "HEAD:late")).err).toContain("Everything up-to-date");
});

test("an agent pushes one after the other, and does not hold up another agent", async () => {
  const reached = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const started: string[] = [];
  work.context.failpoint = async (name) => {
    if (name !== "push_received") return;
    started.push(name);
    reached.resolve();
    if (started.length === 1) await go.promise;
  };
  const [one, two] = await Promise.all([clone("bob"), clone("bob")]);
  await Promise.all([one.commit("one"), two.commit("two")]);
  const first = one.git("push", "origin", "HEAD:one");
  await reached.promise;
  const second = two.git("push", "origin", "HEAD:two");
  const other = await clone("scout");
  await other.commit("three");
  // Another agent is not held up.
  expect(await other.git("push", "origin", "HEAD:three")).toMatchObject({ code: 0 });
  expect(started).toHaveLength(2);
  go.resolve();
  expect(await Promise.all([first, second])).toMatchObject([{ code: 0 }, { code: 0 }]);
  expect(started).toHaveLength(3);
});
