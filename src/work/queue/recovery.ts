import { HiveError } from "../../wire/error.ts";
import type { Checks } from "./check/checks.ts";
import { settle, type QueueParts } from "./run.ts";

/**
 * Runs at the start, before any queue: ends the checks that the last daemon left and brings every change that was being
 * merged to rest. The row decides, with the base. Idempotent. A repository that cannot be read stops the queue of that
 * base, no other.
 */
export async function recoverQueues(parts: QueueParts, checks: Checks): Promise<void> {
  const { context, repositories } = parts;
  await checks.removeLeft();
  for (const row of context.store.changes.merging()) {
    try {
      await settle(parts, row.id, null);
    } catch (error) {
      context.onUnexpected(error);
      const words = error instanceof Error ? error.message : String(error);
      const reason = `change ${row.id} could not be recovered: ${words}`;
      if (!(error instanceof HiveError)) await repositories.hold(row.repo, row.base, { by: "system", reason });
    }
  }
}
