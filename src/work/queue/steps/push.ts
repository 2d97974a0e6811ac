import { MAX_NOTE_CHARS } from "../../../wire/limits.ts";
import { SYSTEM } from "../../../wire/names.ts";
import { land, type Run, type RunEnd } from "../run.ts";
import type { Merged } from "./merge.ts";

/** The note of a change that its base contained before it was merged. */
const CONTAINED_NOTE = "the base contains it already";

/**
 * Stores what the base becomes, moves the base by compare-and-swap, then stores that the change is merged. `settle`
 * carries on or undoes it from any point: it looks at where the base is.
 */
export async function pushStep(run: Run, { candidate, isContained }: Merged): Promise<Extract<RunEnd, "merged" | "lost">> {
  const { context, changes, repositories, id, repo, base, tip } = run;
  const row = await context.store.write((tx) => {
    const { note } = changes.get(id);
    const words = note === null ? CONTAINED_NOTE : `${note}\n(${CONTAINED_NOTE})`.slice(0, MAX_NOTE_CHARS);
    const patch = { candidate, candidate_base: tip ?? null, ...(isContained ? { note: words } : {}) };
    return changes.move(tx, id, "push", SYSTEM, patch);
  });
  const hasMoved = await repositories.moveBase(repo.name, base, candidate, tip);
  await context.failpoint("base_moved");
  if (!hasMoved) return "lost";
  await land({ context, changes }, row);
  await context.failpoint("merge_recorded");
  return "merged";
}
