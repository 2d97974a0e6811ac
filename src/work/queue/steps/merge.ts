import { SYSTEM } from "../../../wire/names.ts";
import { isOperator } from "../../../wire/roles.ts";
import { protectedPaths } from "../../policy.ts";
import type { Sha } from "../../../wire/approval.ts";
import { UNDECIDED } from "../../change-store.ts";
import { mergeChange } from "../merge.ts";
import type { Run } from "../run.ts";

/** The result of a merge. */
export interface Merged {
  candidate: Sha;
  /** True if the base contains the change already. */
  isContained: boolean;
}

/**
 * Merges the change onto the tip of its base. Resolves with undefined if it conflicts (its owner has it back then),
 * and if it is no longer in the queue.
 * Nothing has to be undone: the objects of a merge that is not carried on are garbage.
 */
export async function mergeStep({ context, changes, merges, id, repo, base, tip, ended }: Run): Promise<Merged | undefined> {
  const row = await context.store.write((tx) => {
    // It may have been taken out of the queue in this moment.
    if (context.store.changes.byId(id)?.state !== "queued") return undefined;
    return changes.move(tx, id, "merge", SYSTEM, { candidate: null, candidate_base: null, reason: null });
  });
  if (row === undefined) return undefined;
  await context.failpoint("merge_start");
  const slot = await merges.take(ended);
  const made = await mergeChange(context.git, row, {
    method: repo.settings.merge,
    tip,
    merged: () => context.failpoint("merge_tree"),
    ended,
  }).finally(() => merges.give(slot));
  if (made.kind === "conflict") {
    await context.store.write((tx) =>
      changes.move(tx, id, "conflict", SYSTEM, { reason: made.reason, candidate_base: tip ?? null }),
    );
    return undefined;
  }
  await context.failpoint("merge_objects");
  if (made.kind === "made" && !isOperator(row.decided_by) && protectedPaths(made.paths, repo.settings.protected).length > 0) {
    // The list of protected paths may be newer than the approval.
    const note = "it changes protected files: the operator decides";
    await context.store.write((tx) => {
      changes.move(tx, id, "requeue", SYSTEM);
      changes.move(tx, id, "dequeue", SYSTEM, { ...UNDECIDED, note });
    });
    return undefined;
  }
  if (made.kind === "made") return { candidate: made.commit, isContained: false };
  if (tip === undefined) throw new Error(`nothing contains change ${id}: ${base} does not exist`);
  return { candidate: tip, isContained: true };
}
