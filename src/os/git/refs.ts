import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { git, tryGit, GitError } from "./git.ts";
import { refFromFiles, refsFromFiles } from "./ref-files.ts";
import { foldersUpTo, syncAll } from "../stable.ts";

type Sha = string;

/** Git's value for a ref that does not exist yet. */
const NONE = "0".repeat(40);

/** The object that a ref names. Tags are not peeled. */
export async function readRef(gitDir: string, ref: string): Promise<Sha | undefined> {
  const sha = await refFromFiles(gitDir, ref);
  if (sha !== undefined) return sha ?? undefined;
  const ended = await tryGit(gitDir, ["rev-parse", "--verify", "--quiet", "--end-of-options", ref]);
  if (ended.code === 0) return ended.stdout.toString("latin1").trim();
  if (ended.code === 1) return undefined;
  throw new GitError(`git rev-parse ${ref}: ${ended.stderr.trim()}`);
}

/** Attempts at an update that git fails although no other writer has moved the ref. */
const MAX_TRIES = 5;

/**
 * Moves a ref from `expected` (undefined: it does not exist) to `next` by compare-and-swap. The move is on stable
 * storage when the promise resolves. `{ ok: true }` also if the ref is at `next` already; otherwise `now` is its
 * current object.
 */
export async function moveRef(
  gitDir: string,
  ref: string,
  next: Sha,
  expected: Sha | undefined,
): Promise<{ ok: boolean; now?: Sha }> {
  for (let tries = 1; ; tries++) {
    const ended = await tryGit(gitDir, ["update-ref", "--end-of-options", ref, next, expected ?? NONE]);
    if (ended.code === 0) break;
    const now = await readRef(gitDir, ref);
    if (now === next) break;
    if (now !== expected) return now === undefined ? { ok: false } : { ok: false, now };
    // The ref is unchanged, so no other writer was faster and git itself failed. One of our own git processes in the
    // same folder may be the reason.
    if (tries === MAX_TRIES) throw new GitError(`git update-ref ${ref}: ${ended.stderr.trim()}`);
  }
  await syncRef(gitDir, ref);
  return { ok: true, now: next };
}

/** Removes a ref if it exists. */
export async function removeRef(gitDir: string, ref: string): Promise<void> {
  if ((await readRef(gitDir, ref)) === undefined) return;
  await git(gitDir, ["update-ref", "-d", "--end-of-options", ref]);
  await syncRef(gitDir, ref);
}

/** Every ref below these folders (heads and tags by default), by its full name, with its commit. */
export async function listRefs(
  gitDir: string,
  below: readonly string[] = ["refs/heads", "refs/tags"],
): Promise<Map<string, Sha>> {
  const out = await git(gitDir, ["for-each-ref", "--format=%(refname) %(objectname) %(*objectname)", ...below]);
  const refs = new Map<string, Sha>();
  for (const line of out.toString("utf8").split("\n")) {
    const [name, sha, peeled] = line.split(" ");
    if (name !== undefined && sha !== undefined) refs.set(name, peeled === undefined || peeled === "" ? sha : peeled);
  }
  return refs;
}

/** Every ref below a folder (`refs/tags/`) with the object that it names. Tags are not peeled. */
export async function refObjects(gitDir: string, below: string): Promise<Map<string, Sha>> {
  const known = await refsFromFiles(gitDir, below);
  if (known !== undefined) return known;
  const out = await git(gitDir, ["for-each-ref", "--format=%(objectname) %(refname)", below]);
  const lines = out
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "");
  return new Map(lines.map((line) => [line.slice(41), line.slice(0, 40)]));
}

/** Refs that are moved at once and then packed: reading that many loose ones takes long. */
const MANY_REFS = 100;
/** Time for moving ten thousand refs, each of which is flushed. Milliseconds. */
const REFS_MS = 10 * 60_000;

/**
 * Makes the refs below a folder (`refs/tags/`) those of the map, by their full names. Only for a mirror that can be
 * made again: one that is interrupted leaves a part of the old refs and of the new ones.
 */
export async function mirrorRefs(gitDir: string, below: string, next: ReadonlyMap<string, Sha>): Promise<void> {
  const known = await refObjects(gitDir, below);
  const gone = [...known.keys()].filter((ref) => !next.has(ref)).map((ref) => `delete ${ref}\n`);
  const moved = [...next].filter(([ref, sha]) => known.get(ref) !== sha).map(([ref, sha]) => `update ${ref} ${sha}\n`);
  // In two steps: a new name may have the name of one that is gone as its folder.
  for (const lines of [gone, moved])
    if (lines.length > 0) await git(gitDir, ["update-ref", "--stdin"], { input: lines.join(""), timeoutMs: REFS_MS });
  if (moved.length > MANY_REFS) await git(gitDir, ["pack-refs"], { timeoutMs: REFS_MS });
}

async function syncRef(gitDir: string, ref: string): Promise<void> {
  await syncAll([...foldersUpTo(gitDir, join(gitDir, ref)), join(gitDir, "refs")]);
}

/**
 * Removes lock files that a killed git has left: of refs, of the configuration, of an index. Called when the daemon
 * starts: only the daemon writes these repositories, and its git processes end with it, so every lock is stale. A
 * missing folder is skipped; git reports the problem when the repository is used.
 */
export async function removeLocks(gitDir: string): Promise<void> {
  const top = await readdir(gitDir).catch(noFolder);
  const inRefs = (await readdir(join(gitDir, "refs"), { recursive: true }).catch(noFolder)).map((name) => join("refs", name));
  for (const name of [...top, ...inRefs]) if (name.endsWith(".lock")) await rm(join(gitDir, name), { force: true });
}

function noFolder(error: NodeJS.ErrnoException): string[] {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return [];
  throw error;
}
