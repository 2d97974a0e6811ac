import type { ByCall } from "../wire/by-call.ts";
import { agentQueries } from "./agents.ts";
import { approvalQueries } from "./approvals.ts";
import { copyDatabase } from "./copy.ts";
import { isDiskFailure, openDatabase, syncByHand, type Sqlite } from "./database.ts";
import { eventRetentionQueries } from "./event-retention.ts";
import { ledgerQueries } from "./ledger.ts";
import { MessageInserts } from "./message-inserts.ts";
import { messageQueries } from "./messages.ts";
import { questionQueries } from "./questions.ts";
import { rowRetentionQueries } from "./row-retention.ts";
import { searchQueries } from "./search.ts";
import { sentRetentionQueries } from "./sent-retention.ts";
import { sessionQueries } from "./sessions.ts";
import { turnQueries } from "./turns.ts";
import { usageQueries } from "./usage.ts";
import { Writer, type Syncing, type Tx } from "./writer.ts";

export type { Tx } from "./writer.ts";

export interface StoreOptions {
  file: string;
  /** The disk failed in a way after which nothing may be retried: end the process. */
  onFatal(error: Error): void;
  /** Writes that one commit may take in. */
  maxGroup?: number | undefined;
  /** A disk that takes as long as this to sync many sends is not waited for in the loop. Milliseconds. */
  quickSyncMs?: number | undefined;
}

/**
 * Everything the hive remembers. Reads are synchronous look-ups; writes go through `write`, share commits, and may
 * only be made inside it. `seq` is the hive's one sequence: whatever happens gets the next number, inside a write.
 */
export type Store = ReturnType<typeof openStore>;

export function openStore(options: StoreOptions) {
  const db = openOrDie(options);
  const durable = syncByHand(db);
  const inserts = new MessageInserts(db);
  const { onFatal, maxGroup, quickSyncMs } = options;
  const writer = new Writer({ ...durable, db, putOff: inserts, onFatal, maxGroup, quickSyncMs });
  const getMeta = db.prepare<[string], { value: string }>("SELECT value FROM meta WHERE key = ?");
  const setMeta = db.prepare<[string, string]>(
    "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
  );
  const newest = (table: string): number => {
    const row = db.prepare<[], { n: number | null }>(`SELECT max(seq) AS n FROM ${table}`).get();
    return row?.n ?? 0;
  };
  const messages = messageQueries(db, inserts);
  // Each is the end of an index: the cost of starting does not grow with history.
  let seq = ["questions", "turn_events", "audit", "approvals"]
    .map(newest)
    .reduce((most, one) => Math.max(most, one), messages.newestSeq());

  return {
    messages,
    search: searchQueries(db, inserts),
    agents: agentQueries(db),
    approvals: approvalQueries(db),
    turns: turnQueries(db, inserts),
    eventRetention: eventRetentionQueries(db),
    rowRetention: rowRetentionQueries(db),
    sentRetention: sentRetentionQueries(db),
    questions: questionQueries(db),
    ledger: ledgerQueries(db),
    usage: usageQueries(db),
    sessions: sessionQueries(db),
    meta: {
      get: (key: string): string | undefined => getMeta.get(key)?.value,
      /** Only inside a write. */
      set: (key: string, value: string): void => void setMeta.run(key, value),
    },
    /** Queues a write; resolves with its result once it is on stable storage. */
    write: <T>(run: (tx: Tx) => T, syncing?: Syncing): Promise<T> => writer.write(run, syncing),
    /** The same by call. */
    writing: <T>(run: (tx: Tx) => T, syncing?: Syncing): ByCall<T> => writer.writing(run, syncing),
    /**
     * The newest number, after waiting for what is being synced beside the loop: until the loop turns, what can be read
     * is what has happened up to that number, is on stable storage and has been told.
     */
    settle(): number {
      writer.settle();
      return seq;
    },
    /** The next number of the sequence. Numbers of a write that failed are never used again. */
    nextSeq: (): number => ++seq,
    /** The newest number. */
    get seq(): number {
      return seq;
    },
    /**
     * A copy of the whole database as it is in the moment when this resolves, on stable storage. In small steps: reads
     * and writes go on in between. `onPages` is told how far it is, and stops it by throwing.
     */
    backup: (file: string, onPages: (done: number, all: number) => void): Promise<void> => copyDatabase(db, file, onPages),
    /** Stores what waits to be written, then lets go of the file. */
    close(): void {
      writer.close();
      durable.close();
      db.close();
    },
  };
}

/** A disk that fails while the database is opened is as final as one that fails later. */
function openOrDie(options: StoreOptions): Sqlite {
  try {
    return openDatabase(options.file);
  } catch (error) {
    if (isDiskFailure(error)) options.onFatal(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}
