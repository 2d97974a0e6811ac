import { SerialQueue } from "../lib/serial-queue.ts";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { git, tryGit } from "../os/git/git.ts";
import { replaceFile, syncAll } from "../os/stable.ts";
import { Sha } from "../wire/approval.ts";
import { MAIN, makeRepo } from "../os/git/folders.ts";
import { commitObject, treeObjects } from "./objects.ts";
import { moveRef, readRef } from "../os/git/refs.ts";
import { isAncestor, readObjects, writeObjects } from "./store.ts";
import type { Ledger, LedgerEntry, MetaRepo, RepoPaths } from "./types.ts";

/** The ledger's file. Sorted and indented, so that a deploy changes only a few lines. */
const LOCK = "hive.lock";
const LockFile = z.strictObject({
  version: z.literal(1),
  agents: z.record(z.string(), z.strictObject({ rev: Sha, tree: Sha, hyperhive: z.string() })),
});

/** Files of the ledger besides `hive.lock`, all in its top folder. */
export interface MoreFiles {
  names: readonly string[];
  /** The files of a candidate. The same facts give the same files. */
  make(candidate: {
    /** What the candidate locks. */
    ledger: Ledger;
    /** The agent whose entry changes, and the entry: undefined if it is removed. */
    agent: string;
    entry: LedgerEntry | undefined;
    /** A file of the commit before, if it has it. */
    before(path: string): Promise<string | undefined>;
    signal: AbortSignal | undefined;
  }): Promise<Record<string, string>>;
}
const NO_MORE: MoreFiles = { names: [], make: async () => ({}) };

/**
 * The ledger in the folder `meta`: a file of hashes, and what a platform adds to it. Readers see an ordinary repository with a
 * checkout. The daemon reads only objects and refs in `.git`, never the checkout or the index.
 */
export function metaRepo({ meta: folder, scratch }: Pick<RepoPaths, "meta" | "scratch">, more: MoreFiles = NO_MORE): MetaRepo {
  const gitDir = join(folder, ".git");
  const checkouts = new SerialQueue();
  /** The last ledger read; commits never change. */
  let last: { at: Sha; ledger: Ledger } | undefined;

  const repo: MetaRepo = {
    folder,
    async ensure() {
      await mkdir(folder, { recursive: true });
      await chmod(folder, 0o755);
      if (!existsSync(gitDir)) await makeRepo(gitDir, scratch, { bare: false });
      await repo.refreshCheckout();
    },
    head: () => readRef(gitDir, MAIN),
    async ledger(at) {
      if (at === undefined) return {};
      if (last?.at !== at) {
        const [read] = await readObjects(gitDir, [`${at}:${LOCK}`]);
        if (read === undefined) throw new Error(`the ledger at ${at} is missing`);
        last = { at, ledger: LockFile.parse(JSON.parse(read.body.toString("utf8"))).agents };
      }
      return { ...last.ledger };
    },
    file: textAt,
    async candidate(parent, agent, entry, facts, signal) {
      const ledger = await repo.ledger(parent);
      if (entry === undefined) delete ledger[agent];
      else ledger[agent] = { rev: entry.rev, tree: entry.tree, hyperhive: entry.hyperhive };
      const files = {
        ...(await more.make({ ledger, agent, entry, before: (path) => textAt(parent, path), signal })),
        [LOCK]: lockText(ledger),
      };
      const objects = treeObjects(
        Object.entries(files).map(([path, text]) => ({ path, mode: "100644", base64: Buffer.from(text).toString("base64") })),
      );
      const commit = commitObject(objects.at(-1)?.sha ?? "", parent === undefined ? [] : [parent], facts);
      await writeObjects(gitDir, [...objects, commit]);
      // The next deploy most likely builds on this one.
      last = { at: commit.sha, ledger };
      return commit.sha;
    },
    async publish(next, expected) {
      return { ok: (await moveRef(gitDir, MAIN, next, expected)).ok };
    },
    async contains(sha) {
      return isAncestor(gitDir, Sha.parse(sha), MAIN);
    },
    async log(limit) {
      const ended = await tryGit(gitDir, ["log", "-z", "--format=%H %ct %s", `--max-count=${limit}`, "--end-of-options", MAIN]);
      if (ended.code !== 0) {
        if ((await repo.head()) === undefined) return [];
        throw new Error(`git log of meta: ${ended.stderr.trim()}`);
      }
      return ended.stdout
        .toString("utf8")
        .split("\0")
        .flatMap((record) => {
          const match = /^([0-9a-f]{40}) (\d+) ([^]*)$/.exec(record);
          return match ? [{ sha: match[1] ?? "", at: Number(match[2]) * 1000, subject: match[3] ?? "" }] : [];
        });
    },
    refreshCheckout() {
      // In sequence: two deploys that end together write the same files. The later one writes the newer head.
      return checkouts.run(writeCheckout);
    },
  };
  async function textAt(commit: Sha | undefined, path: string): Promise<string | undefined> {
    if (commit === undefined) return undefined;
    const [read] = await readObjects(gitDir, [`${commit}:${path}`]);
    return read?.body.toString("utf8");
  }

  async function writeCheckout(): Promise<void> {
    const head = await repo.head();
    if (head === undefined) return;
    // What is there besides is of a ledger before, such as the flake of another platform.
    const there = (await readdir(folder)).filter((name) => /^\w[\w.-]*$/.test(name));
    const names = [...new Set([LOCK, ...more.names, ...there])];
    const bodies = await readObjects(
      gitDir,
      names.map((name) => `${head}:${name}`),
    );
    if (bodies[0] === undefined) throw new Error(`the ledger at ${head} is missing`);
    for (const [n, name] of names.entries()) {
      const body = bodies[n]?.body;
      if (body === undefined) await rm(join(folder, name), { recursive: true, force: true });
      else await replaceFile(join(folder, name), body, 0o644);
    }
    // An index for the readers' `git status`. Written to another name and renamed, so that no reader sees half of it.
    const index = join(gitDir, "index");
    await git(gitDir, ["read-tree", head], { env: { GIT_INDEX_FILE: `${index}.new` } });
    await chmod(`${index}.new`, 0o644);
    await rename(`${index}.new`, index);
    await syncAll([gitDir]);
  }
  return repo;
}

/** The ledger as text: equal entries give equal bytes. */
function lockText(ledger: Ledger): string {
  const agents = Object.fromEntries(Object.entries(ledger).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ version: 1, agents }, null, 2)}\n`;
}
