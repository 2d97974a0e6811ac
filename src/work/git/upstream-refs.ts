import type { Sha } from "../../wire/approval.ts";
import { HiveError } from "../../wire/error.ts";
import { BranchName, MAX_BASES } from "../../wire/work.ts";

/** Branches and tags that a repository may have. */
export const MAX_REFS = 10_000;

/** Branches with their commits, as an upstream has them. */
export interface UpstreamRefs {
  /** The branch that its HEAD names. Undefined if it is detached. */
  head: string | undefined;
  /** Branches whose names the hive can have, with their commits. */
  heads: Map<string, Sha>;
  /** Tags of commits, with the object that each names: its commit, or its annotation. */
  tags: Map<string, Sha>;
  /** Branches that are left out, because of their names. */
  skipped: string[];
}

/** Characters of a tag's name. */
const MAX_TAG_CHARS = 200;

/** True for the name of a tag that the hive takes: printable ASCII that git allows, and nothing that could be an option. */
export function isTag(name: string): boolean {
  if (name.length > MAX_TAG_CHARS || !/^[A-Za-z0-9._+@=,#%!/-]+$/.test(name) || /\.\.|@\{/.test(name)) return false;
  return name.split("/").every((part) => /^[^.-]/.test(part) && !/\.(?:lock)?$/.test(part));
}

/** Adds a branch of an upstream, or lists it as left out. */
export function addBranch(refs: UpstreamRefs, name: string, sha: Sha): void {
  // The hive's own branches of an earlier push are not work of the upstream.
  if (name.startsWith("hive/")) return;
  if (BranchName.safeParse(name).success) refs.heads.set(name, sha);
  else refs.skipped.push(name);
}

/** At most `MAX_BASES` branches: the one of HEAD, then those with the first names. Throws for too many refs. */
export function limited(where: string, refs: UpstreamRefs): UpstreamRefs {
  if (refs.heads.size + refs.tags.size > MAX_REFS)
    throw new HiveError("too_large", `${where} has more than ${MAX_REFS} branches and tags`);
  if (refs.heads.size <= MAX_BASES) return refs;
  const ordered = [...refs.heads].sort(([a], [b]) => Number(b === refs.head) - Number(a === refs.head) || (a < b ? -1 : 1));
  return {
    ...refs,
    heads: new Map(ordered.slice(0, MAX_BASES)),
    skipped: [...refs.skipped, ...ordered.slice(MAX_BASES).map(([name]) => name)],
  };
}
