import type { BackupProgress } from "../../wire/backup.ts";
import { withProgress } from "../progress-stream.ts";
import { actorOf } from "./caller.ts";
import type { Handlers } from "./types.ts";

export const backupHandlers: Pick<Handlers, "backup"> = {
  async *backup(context, input, caller) {
    context.work.repositories.refuseWhileCollecting("take the backup");
    const steps = withProgress(caller, (signal, report: (progress: BackupProgress) => void) =>
      context.backups.take(input.to, signal, report),
    );
    for await (const step of steps) {
      if ("progress" in step) {
        yield step;
        continue;
      }
      const { folder, bytes, manifest, complaints } = step.result;
      const { created_at, seq, agents } = manifest;
      const detail = { folder, seq };
      const { store, now } = context;
      await store.write(() =>
        store.ledger.audit(store.nextSeq(), { at: now(), actor: actorOf(caller), kind: "backup_taken", detail }),
      );
      yield { backup: { folder, created_at, bytes, agents: agents.length, seq, complaints } };
    }
  },
};
