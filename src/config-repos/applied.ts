import { existsSync } from "node:fs";
import { GitError } from "../os/git/git.ts";
import type { SandboxedRun } from "../os/sandboxed-run.ts";
import type { Sha, TreeFile } from "../wire/approval.ts";
import { diffCommits } from "../os/git/diff.ts";
import { discard, MAIN, makeRepo } from "../os/git/folders.ts";
import type { Recent } from "../lib/recent.ts";
import { commitObject, parseCommit, tagObject, treeObjects } from "./objects.ts";
import { readTree } from "./read-tree.ts";
import { listRefs, moveRef, readRef, removeRef } from "../os/git/refs.ts";
import { safeFetch } from "./safe-fetch.ts";
import { isAncestor, readObjects, writeObjects } from "./store.ts";
import { checkTree } from "./tree-rules.ts";
import type { AppliedRepo, TagFacts } from "./types.ts";

/** A tag of ours, such as `deployed/42`. */
const TAG = /^[a-z][a-z0-9-]{0,31}\/\d{1,16}$/;
/** Commits that are cached; they never change. */
const REMEMBERED = 256;

/** What the repositories of a hive share. */
export interface AppliedDeps {
  /** Where repositories are created: on the same file system. */
  scratch: string;
  /** Proposals are read in a sandbox. */
  sandboxedRun: SandboxedRun;
  /** The files of commits that were read last. */
  recent: Recent<TreeFile[]>;
}

/** The repository of one agent at `folder`. */
export function appliedRepo(folder: string, { scratch, sandboxedRun, recent }: AppliedDeps): AppliedRepo {
  const commits = new Map<Sha, { tree: Sha; parents: Sha[] }>();

  async function commitOf(sha: Sha): Promise<{ tree: Sha; parents: Sha[] }> {
    const known = commits.get(sha);
    if (known) return known;
    const [read] = await readObjects(folder, [sha]);
    if (read?.kind !== "commit") throw new GitError(`${sha} is not a commit of ${folder}`);
    return remember(sha, parseCommit(read.body));
  }
  function remember(sha: Sha, commit: { tree: Sha; parents: Sha[] }): { tree: Sha; parents: Sha[] } {
    if (commits.size >= REMEMBERED) commits.clear();
    commits.set(sha, commit);
    return commit;
  }

  return {
    folder,
    async ensure() {
      if (!existsSync(folder)) await makeRepo(folder, scratch);
    },
    async commit(files, parents, facts) {
      checkFiles(files);
      const tree = treeObjects(files);
      const top = tree.at(-1)?.sha ?? "";
      const commit = commitObject(top, parents, facts);
      await writeObjects(folder, [...tree, commit]);
      remember(commit.sha, { tree: top, parents: [...parents] });
      return commit.sha;
    },
    fetch: (from, sha) => safeFetch({ into: folder, from, sha, scratch, sandboxedRun }),
    async has(sha) {
      if (commits.has(sha)) return true;
      const [read] = await readObjects(folder, [sha]);
      return read?.kind === "commit";
    },
    treeOf: async (sha) => (await commitOf(sha)).tree,
    isAncestor: (ancestor, sha) => isAncestor(folder, ancestor, sha),
    firstParent: async (sha) => (await commitOf(sha)).parents[0],
    files: async (sha) => [...(await recent.get(`${folder} ${sha}`, () => readTree(folder, sha)))],
    filesOnDisk: (sha) => readTree(folder, sha),
    diff: (base, head, path) => diffCommits(folder, base, head, path),
    refs: () => listRefs(folder),
    async moveMain(next, expected) {
      return { ok: (await moveRef(folder, MAIN, next, expected)).ok };
    },
    tag: (facts) => tag(folder, facts),
    async tagMessage(name) {
      checkTagName(name);
      const [read] = await readObjects(folder, [`refs/tags/${name}`]);
      if (read?.kind !== "tag") return undefined;
      const text = read.body.toString("utf8");
      return text.slice(text.indexOf("\n\n") + 2).trimEnd();
    },
    tagged(name) {
      checkTagName(name);
      return readRef(folder, `refs/tags/${name}`);
    },
    async untag(name) {
      checkTagName(name);
      await removeRef(folder, `refs/tags/${name}`);
    },
    async remove() {
      commits.clear();
      await discard(folder, scratch);
    },
  };
}

function checkFiles(files: readonly TreeFile[]): void {
  checkTree(
    files.map(({ path, mode, base64 }) => {
      const body = Buffer.from(base64, "base64");
      const entry = { path, mode, bytes: body.length };
      return mode === "120000" ? { ...entry, target: body.toString("utf8") } : entry;
    }),
  );
}

function checkTagName(name: string): void {
  if (!TAG.test(name)) throw new GitError(`"${name}" is not a name for a tag of the hive`);
}

async function tag(folder: string, facts: TagFacts): Promise<void> {
  checkTagName(facts.name);
  const ref = `refs/tags/${facts.name}`;
  let target = facts.sha;
  if (facts.message !== undefined) {
    const object = tagObject({ ...facts, message: facts.message });
    await writeObjects(folder, [object]);
    target = object.sha;
  }
  const moved = await moveRef(folder, ref, target, undefined);
  if (!moved.ok) throw new GitError(`the tag ${facts.name} is there and says something else (${moved.now ?? "nothing"})`);
}
