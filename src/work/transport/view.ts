import type { Sha } from "../../wire/approval.ts";
import { TAGS } from "../repositories.ts";

export const HEADS = "refs/heads/";

/** A branch of an agent, or of the operator. */
export interface Topic {
  /** The name of its owner. */
  owner: string;
  topic: string;
  sha: Sha;
}

/** The refs of a repository as one caller sees them, by their full names. */
export class RefNames {
  readonly refs = new Map<string, Sha>();
  /** Every proper prefix of a ref: a folder, which no ref may have as its name. */
  readonly #folders = new Set<string>();

  /** Adds a ref unless its name is taken, contains a ref, or is in one: git could store only one of the two. */
  add(ref: string, sha: Sha): boolean {
    if (!this.isFree(ref)) return false;
    this.refs.set(ref, sha);
    for (const folder of foldersOf(ref)) this.#folders.add(folder);
    return true;
  }

  isFree(ref: string): boolean {
    return !this.refs.has(ref) && !this.#folders.has(ref) && !foldersOf(ref).some((folder) => this.refs.has(folder));
  }
}

/**
 * Bases and topics as `refs/heads/<base>` and `refs/heads/<owner>/<topic>`. The topics of `self` also have their short
 * names `refs/heads/<topic>`, so that a branch has one name in its owner's clone and here. A base comes first, then full
 * names, then short ones: one that does not fit beside them is left out. Tags are `refs/tags/<tag>`.
 */
export function refNames(
  { bases, tags, topics }: { bases: ReadonlyMap<string, Sha>; tags: ReadonlyMap<string, Sha>; topics: readonly Topic[] },
  self: string | undefined,
): RefNames {
  const names = new RefNames();
  for (const [tag, sha] of tags) names.add(TAGS + tag, sha);
  for (const [base, sha] of bases) names.add(HEADS + base, sha);
  for (const { owner, topic, sha } of topics) names.add(`${HEADS}${owner}/${topic}`, sha);
  for (const { owner, topic, sha } of topics) if (owner === self) names.add(HEADS + topic, sha);
  return names;
}

/** `a/b/c` → `a/b`, `a`. */
function foldersOf(name: string): string[] {
  const found: string[] = [];
  for (let at = name.lastIndexOf("/"); at > 0; at = name.lastIndexOf("/", at - 1)) found.push(name.slice(0, at));
  return found;
}
