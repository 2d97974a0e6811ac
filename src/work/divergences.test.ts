import { afterEach, beforeEach, expect, test } from "vitest";
import { followedFolder, type FollowedFolder } from "../../test/lib/followed-folder.ts";
import { openTestSystem, type TestSystem } from "../../test/lib/system.ts";
import { git as ownGit } from "../os/git/git.ts";
import type { Sha } from "../wire/approval.ts";
import type { QueueView } from "../wire/work.ts";
import { checkWork } from "./check.ts";

let system: TestSystem;
let source: FollowedFolder;
let ours: Sha;
let theirs: Sha;

/** The hive's main has one commit that the folder lacks, and the folder's main another one. */
async function diverge({ file = "theirs.txt" } = {}): Promise<void> {
  source.commit("a.txt", "one\n");
  await system.work.upstreams.add("web", source.exported(), {});
  ours = source.commit("ours.txt", "ours\n");
  await system.work.upstreams.fetch("web");
  source.git("reset", "-q", "--hard", "HEAD~1");
  theirs = source.commit(file, "theirs\n");
  await system.work.upstreams.fetch("web");
}

beforeEach(async () => {
  system = await openTestSystem();
  await system.work.start();
  source = followedFolder();
});
afterEach(async () => {
  expect(system.unexpected).toEqual([]);
  expect(await problems()).toEqual([]);
  await system.close();
  source.remove();
});

const problems = async (): Promise<string[]> =>
  (await checkWork(system.work.context, system.work.repositories)).flatMap((finding) => finding.problems);
const tip = (): Sha | undefined => system.work.repositories.tip("web", "main");
const queues = (): QueueView[] => system.work.repositories.view(system.work.repositories.get("web")).queues;
const inHive = async (...argv: string[]): Promise<string> =>
  (await ownGit(system.work.repositories.folder("web"), argv)).toString().trim();
const audited = (): object[] =>
  system.system.store.ledger
    .audited({ kind: "base_reconciled", before: Number.MAX_SAFE_INTEGER, limit: 9 })
    .map(({ actor, detail }) => ({ actor, ...(JSON.parse(detail ?? "{}") as object) }));

test("both sides are shown, and merged by hyperhive in one commit that the folder can pull", async () => {
  await diverge();
  expect(queues()).toMatchObject([{ base: "main", state: "stopped", diverged: true }]);
  const view = await system.work.divergences.view("web");
  expect(view).toEqual({
    base: "main",
    ours: { tip: ours, count: 1, commits: [{ sha: ours, subject: "write ours.txt" }] },
    upstream: { tip: theirs, count: 1, commits: [{ sha: theirs, subject: "write theirs.txt" }] },
    changes: [],
    undone: 0,
  });
  const { from, to } = await system.work.divergences.reconcile("web", { by: "merge" }, "operator");
  expect([from, to]).toEqual([ours, tip()]);
  expect(await inHive("show", "-s", "--format=%P|%an|%cn|%s", to)).toBe(
    `${ours} ${theirs}|hyperhive|hyperhive|Merge main of the upstream`,
  );
  expect(await inHive("ls-tree", "--name-only", to)).toBe("a.txt\nours.txt\ntheirs.txt");
  expect(queues()).toEqual([]);
  expect(audited()).toEqual([{ actor: "operator", repo: "web", base: "main", by: "merge", from: ours, to, upstream: theirs }]);
  await expect(system.work.divergences.reconcile("web", { by: "merge" }, "operator")).rejects.toThrow(
    "main of web has not diverged",
  );
  await expect(system.work.divergences.view("web")).rejects.toThrow("main of web has not diverged");
});

test("a conflict names its files, and nothing moves", async () => {
  await diverge({ file: "ours.txt" });
  await expect(system.work.divergences.reconcile("web", { by: "merge" }, "operator")).rejects.toThrow(
    "the two sides conflict in ours.txt. Nothing has moved",
  );
  expect(tip()).toBe(ours);
  expect(queues()).toMatchObject([{ state: "stopped", diverged: true }]);
  expect(audited()).toEqual([]);
});

test("histories without a common commit are not merged, and can be reset", async () => {
  source.commit("a.txt", "one\n");
  await system.work.upstreams.add("web", source.exported(), {});
  source.git("switch", "-q", "--orphan", "other");
  theirs = source.commit("b.txt", "b\n");
  source.git("branch", "-q", "-M", "other", "main");
  await system.work.upstreams.fetch("web");
  await expect(system.work.divergences.reconcile("web", { by: "merge" }, "operator")).rejects.toThrow("share no commit");
  const { ours: now, upstream } = await system.work.divergences.view("web");
  await system.work.divergences.reconcile("web", { by: "reset", ours: now.tip, upstream: upstream.tip }, "operator");
  expect(tip()).toBe(theirs);
});

test("a reset lists the merged changes that it takes out, keeps the old tip, and is undone", async () => {
  await diverge();
  await merged(ours);
  const view = await system.work.divergences.view("web");
  expect(view).toMatchObject({ undone: 1, changes: [{ title: "Ours", agent: "scout", merged_sha: ours }] });
  // Only what was shown is reset.
  await expect(system.work.divergences.reconcile("web", { by: "reset" }, "operator")).rejects.toThrow("a reset names the tips");
  const seen = { ours, upstream: theirs };
  await expect(system.work.divergences.reconcile("web", { by: "reset", ...seen, ours: theirs }, "operator")).rejects.toThrow(
    "look again",
  );
  const later = source.commit("later.txt", "later\n");
  await expect(system.work.divergences.reconcile("web", { by: "reset", ...seen }, "operator")).rejects.toThrow(
    `main of the upstream is at ${later.slice(0, 12)} by now`,
  );
  expect(tip()).toBe(ours);
  const { kept } = await system.work.divergences.reconcile("web", { by: "reset", ours, upstream: later }, "operator");
  expect(tip()).toBe(later);
  expect(await inHive("rev-parse", kept ?? "")).toBe(ours);
  expect(queues()).toEqual([]);
  expect(system.system.store.changes.all()).toMatchObject([{ state: "merged", merged_sha: ours }]);
  expect(await problems()).toEqual([]);

  await system.work.divergences.reconcile("web", { by: "undo" }, "operator");
  expect(tip()).toBe(ours);
  expect(queues()).toMatchObject([{ state: "stopped", diverged: true }]);
  expect(audited()).toMatchObject([
    { by: "undo", to: ours },
    { by: "reset", kept },
  ]);
});

test("a reset is not undone over commits that were made since", async () => {
  await diverge();
  await expect(system.work.divergences.reconcile("web", { by: "undo" }, "operator")).rejects.toThrow(
    "no reset of main has kept anything",
  );
  await system.work.divergences.reconcile("web", { by: "reset", ours, upstream: theirs }, "operator");
  const own = await inHive(
    "-c",
    "user.name=t",
    "-c",
    "user.email=t",
    "commit-tree",
    `${theirs}^{tree}`,
    "-p",
    theirs,
    "-m",
    "own",
  );
  await system.work.repositories.moveBase("web", "main", own, theirs, { actor: "operator", by: "operator" });
  await expect(system.work.divergences.reconcile("web", { by: "undo" }, "operator")).rejects.toThrow(
    "has commits of its own since the reset",
  );
  expect(tip()).toBe(own);
});

test("a base into which a change is being merged is left alone", async () => {
  await diverge();
  const { id } = await merged(ours, "merging");
  await expect(system.work.divergences.reconcile("web", { by: "merge" }, "operator")).rejects.toThrow(
    `change ${id} is being merged`,
  );
  expect(tip()).toBe(ours);
});

test.each(["reconcile_decided", "reconcile_moved"])(
  "a daemon that ends at %s leaves what the next fetch finishes",
  async (at) => {
    await diverge();
    system.work.context.failpoint = async (name) => {
      if (name === at) throw new Error("killed");
    };
    await expect(system.work.divergences.reconcile("web", { by: "merge" }, "operator")).rejects.toThrow("killed");
    expect(await problems()).toEqual([]);
    system.work.context.failpoint = async () => {};
    const { diverged } = await system.work.upstreams.fetch("web");
    expect(diverged).toEqual(at === "reconcile_decided" ? ["main"] : []);
    if (at === "reconcile_decided") await system.work.divergences.reconcile("web", { by: "merge" }, "operator");
    expect(await inHive("show", "-s", "--format=%P", tip() ?? "")).toBe(`${ours} ${theirs}`);
    expect(queues()).toEqual([]);
  },
);

/** A change whose merge made this commit, or that is being merged. */
async function merged(sha: Sha, state: "merged" | "merging" = "merged") {
  const { store } = system.system;
  const row = await store.write((tx) =>
    system.work.changeStore.insert(
      tx,
      {
        repo: "web",
        agent: "a1",
        agent_name: "scout",
        branch: "ours",
        base: "main",
        round: 1,
        title: "Ours",
        body: "",
        sha,
        merge_base: null,
        digest: "0".repeat(64),
        stat: JSON.stringify({ files: 1, added: 1, removed: 0 }),
        marks: "[]",
        proposed_at: 0,
        decided_by: "operator",
        decided_at: 0,
        reviewed_sha: null,
        note: null,
        reason: null,
        queued_at: null,
        candidate: null,
        candidate_base: state === "merged" ? sha : null,
        merged_sha: state === "merged" ? sha : null,
        has_log: 0,
        early_check: null,
        undecided: 0,
      },
      "operator",
    ),
  );
  await inHive("update-ref", `refs/changes/${row.id}/1`, sha);
  await store.write(() => store.changes.update({ ...row, state }));
  return row;
}
