import { MAX_NOTE_CHARS, MAX_REASON_CHARS } from "../../../wire/limits.ts";
import { SYSTEM } from "../../../wire/names.ts";
import { land, type Run, type RunEnd } from "../run.ts";
import type { Merged } from "./merge.ts";

/** The note of a change that its base contained before it was merged. */
const CONTAINED_NOTE = "the base contains it already";

/**
 * Stores what the base becomes, moves the base by compare-and-swap, then stores that the change is merged. Where merges
 * are pushed first, the push to the upstream is the compare-and-swap, and the base follows it. `settle` carries on or
 * undoes it from any point: it looks at where the base is.
 */
export async function pushStep(run: Run, { candidate, isContained }: Merged): Promise<RunEnd> {
  const { context, changes, repositories, swaps, id, repo, base, tip, upstreamTip, stopped } = run;
  const row = await context.store.write((tx) => {
    const { note } = changes.get(id);
    const words = note === null ? CONTAINED_NOTE : `${note}\n(${CONTAINED_NOTE})`.slice(0, MAX_NOTE_CHARS);
    const patch = { candidate, candidate_base: tip ?? null, ...(isContained ? { note: words } : {}) };
    return changes.move(tx, id, "push", SYSTEM, patch);
  });
  if (swaps.applies(repo)) {
    await context.failpoint("push_start");
    const pushed = await swaps.swap(repo, base, { from: upstreamTip, to: candidate }, stopped);
    await context.failpoint("push_done");
    if (pushed.end === "refused") {
      const reason = `the upstream refuses it: ${pushed.why}`.slice(0, MAX_REASON_CHARS);
      await context.store.write((tx) => changes.move(tx, id, "fail_push", SYSTEM, { reason }));
      return "returned";
    }
    if (pushed.end === "lost") return "lost";
  }
  const hasMoved = await repositories.moveBase(repo.name, base, candidate, tip);
  await context.failpoint("base_moved");
  if (!hasMoved) return "lost";
  await land({ context, changes }, row);
  await context.failpoint("merge_recorded");
  return "merged";
}
