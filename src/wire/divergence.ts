import { z } from "zod";
import { Sha } from "./approval.ts";
import { Id } from "./names.ts";

/** A base that has diverged: the hive and the folder that it follows each have commits that the other lacks. */

/** Commits of one side that are listed: more than anyone reads before deciding. */
export const MAX_SIDE_COMMITS = 100;
/** Changes that a reset takes out of a base and that are listed: those of a few months. */
export const MAX_UNDONE_CHANGES = 1_000;
/** Characters of a commit's subject in the list. */
export const MAX_SUBJECT_CHARS = 200;

/** The commits that only one side has, newest first. `count` has those that are not listed, too. */
const Side = z.object({
  tip: Sha,
  count: z.number().int(),
  commits: z.array(z.object({ sha: Sha, subject: z.string() })),
});

export const DivergenceView = z.object({
  base: z.string(),
  ours: Side,
  upstream: Side,
  /** The merged changes among `ours`, newest first: a reset takes them out of the base. `undone` counts all. */
  changes: z.array(z.object({ id: Id, title: z.string(), agent: z.string(), merged_sha: Sha })),
  undone: z.number().int(),
});
export type DivergenceView = z.infer<typeof DivergenceView>;

/**
 * `merge`: the upstream's commits are merged into the base. `reset`: the base becomes what the upstream has, and its old
 * tip is kept. `undo`: the base becomes again what the last reset has kept.
 */
export const Reconciliation = z.enum(["merge", "reset", "undo"]);
export type Reconciliation = z.infer<typeof Reconciliation>;
