import { join } from "node:path";
import { git, tryGit } from "../os/git/git.ts";
import { syncAll } from "../os/stable.ts";
import type { Sha } from "../wire/approval.ts";
import { packOf, type GitObject } from "./objects.ts";

/** Stores objects with one process and flushes the folders that name them. Existing objects are kept. */
export async function writeObjects(gitDir: string, objects: readonly GitObject[]): Promise<void> {
  await git(gitDir, ["unpack-objects", "-q", "--strict"], { input: packOf(objects) });
  await syncObjects(
    gitDir,
    objects.map(({ sha }) => sha),
  );
}

/** Flushes the folders of loose objects. Git has flushed the contents itself. */
export async function syncObjects(gitDir: string, shas: Iterable<Sha>): Promise<void> {
  const top = join(gitDir, "objects");
  await syncAll([...Array.from(shas, (sha) => join(top, sha.slice(0, 2))), top]);
}

/** An object as it was read. */
export interface Read {
  sha: Sha;
  kind: string;
  body: Buffer;
}

/** Reads objects by name, in order; undefined for a missing one. One process reads all of them. */
export async function readObjects(
  gitDir: string,
  names: readonly string[],
  bounds: { maxBytes?: number; env?: Record<string, string> } = {},
): Promise<(Read | undefined)[]> {
  if (names.length === 0) return [];
  const out = await git(gitDir, ["cat-file", "--batch"], { input: `${names.join("\n")}\n`, ...bounds });
  const found: (Read | undefined)[] = [];
  let at = 0;
  for (const name of names) {
    const eol = out.indexOf(10, at);
    const line = out.toString("latin1", at, eol);
    if (line.endsWith(" missing")) {
      found.push(undefined);
      at = eol + 1;
      continue;
    }
    const [sha = "", kind = "", size = ""] = line.split(" ");
    if (!/^\d+$/.test(size)) throw new Error(`git cat-file says "${line}" of ${name}`);
    const end = eol + 1 + Number(size);
    found.push({ sha, kind, body: out.subarray(eol + 1, end) });
    at = end + 1;
  }
  return found;
}

/** True if the object `ancestor` is in the history of `descendant`, or equal to it. False if either is unknown. */
export async function isAncestor(gitDir: string, ancestor: string, descendant: string): Promise<boolean> {
  const ended = await tryGit(gitDir, ["merge-base", "--is-ancestor", ancestor, descendant]);
  return ended.code === 0;
}
