import type { BackupProgress } from "../../wire/backup.ts";
import type { Output } from "../../wire/operations.ts";
import type { Handlers } from "./types.ts";

/** How often the caller is told how far a backup is. Milliseconds. */
const TELL_EVERY_MS = 200;

export const backupHandlers: Pick<Handlers, "backup"> = {
  async *backup(context, input, caller) {
    const givenUp = new AbortController();
    const giveUp = (): void => givenUp.abort();
    if (caller.kind === "operator") caller.ended.addEventListener("abort", giveUp, { once: true });
    const told: Output<"backup">[] = [];
    let wake = (): void => {};
    let toldAt = 0;
    const tell = (progress: BackupProgress): void => {
      if (performance.now() - toldAt < TELL_EVERY_MS) return;
      toldAt = performance.now();
      told.push({ progress });
      wake();
    };
    let isOver = false;
    const taken = context.backups.take(input.to, givenUp.signal, tell).finally(() => {
      isOver = true;
      wake();
    });
    // Whoever awaits it below hears of a failure; nobody else has to.
    taken.catch(() => {});
    try {
      while (!isOver || told.length > 0) {
        const next = told.shift();
        if (next) yield next;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
      const { folder, bytes, manifest, complaints } = await taken;
      const { created_at, seq, agents } = manifest;
      yield { backup: { folder, created_at, bytes, agents: agents.length, seq, complaints } };
    } finally {
      // The caller may have gone in the middle.
      giveUp();
      if (caller.kind === "operator") caller.ended.removeEventListener("abort", giveUp);
    }
  },
};
