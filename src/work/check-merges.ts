import { GitError } from "../os/git/git.ts";
import type { ChangeRecord } from "../store/changes.ts";
import type { GitWorker } from "./git/worker.ts";
import { effectsOf } from "./queue/surprises.ts";

/** Merges that are compared unless all are asked for: the newest of the hive. Twenty take about a second. */
export const COMPARED_MERGES = 200;
/** Merges that one run of git compares. */
const AT_ONCE = 20;

/** A merged change, with the parents of the commit that its row names. */
export interface MergedChange {
  row: ChangeRecord;
  parents: readonly string[];
}

/**
 * Compares merges with what was shown when they were approved, as the queue does before it moves the base. Merges whose
 * proposals `repo gc` has removed cannot be compared and are not counted.
 */
export async function compareMerges(
  git: GitWorker,
  repo: string,
  merges: readonly MergedChange[],
): Promise<{ problems: string[]; checked: number }> {
  const problems: string[] = [];
  let checked = 0;
  for (let at = 0; at < merges.length; at += AT_ONCE) {
    const some = merges.slice(at, at + AT_ONCE);
    for (const [nth, found] of (await effects(git, repo, some)).entries()) {
      const { row, parents } = some[nth] as MergedChange;
      if (found === "gone") continue;
      checked++;
      const name = `${repo}: the merge of change ${row.id}`;
      if (found instanceof Error) problems.push(`${name} cannot be compared: ${found.message}`);
      else if (parents.length > 1 && parents[0] !== row.candidate_base)
        problems.push(`${name} is onto ${parents[0]}, and its check ran onto ${row.candidate_base}`);
      else if (found.length > 0)
        problems.push(`${name} changes what was not shown: ${found.map((one) => JSON.stringify(one)).join(", ")}`);
    }
  }
  return { problems, checked };
}

/** Paths that a problem names. */
const MAX_NAMED = 10;

/** The surprising paths of each merge. Where git fails, halves of the list are tried, down to the merge that is to blame. */
async function effects(git: GitWorker, repo: string, merges: readonly MergedChange[]): Promise<(string[] | "gone" | Error)[]> {
  try {
    const items = merges.map(({ row }) => ({ row, tip: row.candidate_base ?? undefined, commit: row.merged_sha ?? "" }));
    const found = await git.withScratch(repo, {}, (scratch) => effectsOf(scratch, items));
    return found.map((one) => one?.surprises.slice(0, MAX_NAMED) ?? "gone");
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    if (merges.length === 1) return [error];
    const half = merges.length >> 1;
    return [...(await effects(git, repo, merges.slice(0, half))), ...(await effects(git, repo, merges.slice(half)))];
  }
}
