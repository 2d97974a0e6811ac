import type { BackupProgress } from "../../wire/backup.ts";
import type { Output } from "../../wire/operations.ts";
import type { Handlers } from "./types.ts";

/** How often the caller gets the progress of a backup. Milliseconds. */
const PROGRESS_EVERY_MS = 200;

export const backupHandlers: Pick<Handlers, "backup"> = {
  async *backup(context, input, caller) {
    const givenUp = new AbortController();
    const giveUp = (): void => givenUp.abort();
    if (caller.kind === "operator") caller.ended.addEventListener("abort", giveUp, { once: true });
    const reports: Output<"backup">[] = [];
    let wake = (): void => {};
    let reportedAt = 0;
    const report = (progress: BackupProgress): void => {
      if (performance.now() - reportedAt < PROGRESS_EVERY_MS) return;
      reportedAt = performance.now();
      reports.push({ progress });
      wake();
    };
    let hasEnded = false;
    const taken = context.backups.take(input.to, givenUp.signal, report).finally(() => {
      hasEnded = true;
      wake();
    });
    // The `await` below throws its failure. If the caller has gone, no code needs it.
    taken.catch(() => {});
    try {
      while (!hasEnded || reports.length > 0) {
        const next = reports.shift();
        if (next) yield next;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
      const { folder, bytes, manifest, complaints } = await taken;
      const { created_at, seq, agents } = manifest;
      yield { backup: { folder, created_at, bytes, agents: agents.length, seq, complaints } };
    } finally {
      // The caller may have disconnected before the end.
      giveUp();
      if (caller.kind === "operator") caller.ended.removeEventListener("abort", giveUp);
    }
  },
};
