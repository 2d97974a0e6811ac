import { listRefs, moveRef } from "../../os/git/refs.ts";
import { pinOf, type ChangeRecord } from "../../store/changes.ts";
import type { Checks } from "./check/checks.ts";
import { isWithUpstream, settle, type QueueParts } from "./run.ts";

/**
 * Runs at the start, before any queue: ends the checks that the last daemon left, pins the commits of open changes again
 * and brings every change that was being merged to rest. The row decides, with the base. Idempotent. What is damaged
 * stops the queue of its base, no other. A change that only its upstream knows about is left to its queue.
 */
export async function recoverQueues(parts: QueueParts, checks: Checks): Promise<void> {
  const { store } = parts.context;
  await checks.removeLeft();
  const open = Map.groupBy(store.changes.open(), ({ repo }) => repo);
  for (const [repo, rows] of open) {
    // One that cannot be read is left as it is.
    if (parts.repositories.find(repo) === undefined) continue;
    const refs = await listRefs(parts.repositories.folder(repo), ["refs/changes"]);
    for (const row of rows) await orHold(parts, row, () => pinAgain(parts, row, refs));
  }
  const readable = store.changes
    .merging()
    .filter((row) => parts.repositories.find(row.repo) !== undefined && !isWithUpstream(parts, row));
  for (const row of readable) await orHold(parts, row, () => settle(parts, row.id, null));
}

/** Pins a proposed commit whose ref is missing or names another one: the daemon may have ended before it was written. */
async function pinAgain({ repositories }: QueueParts, row: ChangeRecord, refs: ReadonlyMap<string, string>): Promise<void> {
  const ref = pinOf(row);
  if (refs.get(ref) === row.sha) return;
  const { ok } = await moveRef(repositories.folder(row.repo), ref, row.sha, refs.get(ref));
  if (!ok) throw new Error(`${ref} could not be set to ${row.sha}`);
}

/** A damaged repository is reported, and holds the queue of the change. */
async function orHold({ context, repositories }: QueueParts, row: ChangeRecord, act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    context.onUnexpected(error);
    const words = error instanceof Error ? error.message : String(error);
    await repositories.hold(row.repo, row.base, { by: "system", reason: `change ${row.id} could not be recovered: ${words}` });
  }
}
