import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "../../os/run.ts";
import type { AssignedRepo } from "../../wire/harness.ts";

/** Time for one git command of a clone: the checkout of a large tree on a slow disk. Milliseconds. */
const GIT_MS = 15 * 60_000;
/**
 * The first version of git's protocol lists all branches in one request. The second needs two, and each is a run of git in
 * the daemon's sandbox.
 */
const ONE_REQUEST = ["-c", "protocol.version=0"];
/** Characters of git's complaint in a reason. */
const MAX_COMPLAINT_CHARS = 600;
/** Bases that a reason names. */
const MAX_NAMED = 10;

export interface ClonePlace {
  /** Where the clone will be. */
  folder: string;
  /** Where it is made. On the same file system. */
  scratch: string;
  /** The object folder of the repository, which the clone borrows. */
  objects: string;
  /** The environment of git. */
  env: Record<string, string>;
}

/**
 * Makes a clone that borrows every object of the repository, so that nothing is copied but the files of the base. It
 * appears whole or not at all. Throws an Error with the reason.
 */
export async function makeClone({ name, base }: AssignedRepo, { folder, scratch, objects, env }: ClonePlace): Promise<void> {
  const git = async (argv: string[], input?: string): Promise<string> => {
    const ended = await run("git", [...ONE_REQUEST, ...argv], {
      env,
      cwd: scratch,
      timeoutMs: GIT_MS,
      ...(input === undefined ? {} : { input }),
    });
    if (ended.code === 0) return ended.stdout;
    throw new Error(`git ${argv[0] ?? ""}: ${(ended.stderr.trim() || "it took too long").slice(-MAX_COMPLAINT_CHARS)}`);
  };
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true });
  try {
    await git(["init", "-q", "--template=", "-b", base, "."]);
    const info = join(scratch, ".git", "objects", "info");
    await mkdir(info, { recursive: true });
    await writeFile(join(info, "alternates"), `${objects}\n`);
    await git(["remote", "add", "origin", `hive:${name}`]);
    const listing = await git(["ls-remote", "--refs", "origin"]);
    const heads = namesOf(listing, "heads");
    if (heads.size > 0 && !heads.has(base))
      throw new Error(`${name} has no branch ${base}: it has ${[...heads.keys()].slice(0, MAX_NAMED).join(", ")}`);
    const refs = [
      ...[...heads].map(([head, sha]) => `create refs/remotes/origin/${head} ${sha}\n`),
      ...[...namesOf(listing, "tags")].map(([tag, sha]) => `create refs/tags/${tag} ${sha}\n`),
    ];
    // Packed and flushed below.
    await git(["-c", "core.fsync=none", "update-ref", "--stdin"], refs.join(""));
    await git(["pack-refs", "--all"]);
    // An empty repository has nothing to check out: the first commit begins the base.
    if (heads.size > 0) {
      await git(["symbolic-ref", "refs/remotes/origin/HEAD", `refs/remotes/origin/${base}`]);
      await git(["checkout", "-q", "-B", base, "--track", `origin/${base}`]);
    }
    await mkdir(dirname(folder), { recursive: true });
    await rename(scratch, folder);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** True if a clone was made here. Throws an Error if something else is in its place. */
export function isCloned(folder: string): boolean {
  if (!existsSync(folder)) return false;
  if (existsSync(join(folder, ".git"))) return true;
  throw new Error(`${folder} is there and is no git repository: move it away`);
}

/** The branches or tags in the output of `git ls-remote`. */
function namesOf(listing: string, kind: "heads" | "tags"): Map<string, string> {
  const names = new Map<string, string>();
  for (const line of listing.split("\n")) {
    const [, sha, of, name] = /^([0-9a-f]{40})\trefs\/(heads|tags)\/(\S+)$/.exec(line) ?? [];
    if (sha !== undefined && name !== undefined && of === kind) names.set(name, sha);
  }
  return names;
}
