import type { ByCall } from "../wire/by-call.ts";
import { agentQueries } from "./agents.ts";
import { approvalQueries } from "./approvals.ts";
import { chainQueries } from "./chains.ts";
import { budgetQueries } from "./budgets.ts";
import { changeQueries } from "./changes.ts";
import { copyDatabase } from "./copy.ts";
import { isDiskFailure, openDatabase, syncByHand, type Sqlite } from "./database.ts";
import { eventRetentionQueries } from "./event-retention.ts";
import { includeFileQueries } from "./include-files.ts";
import { gate } from "./gate.ts";
import { ledgerQueries } from "./ledger.ts";
import { MessageInserts } from "./message-inserts.ts";
import { messageQueries } from "./messages.ts";
import { operatorQueries } from "./operators.ts";
import { passkeyQueries } from "./passkeys.ts";
import { pullRequestQueries } from "./pull-requests.ts";
import { questionQueries } from "./questions.ts";
import { repositoryQueries } from "./repositories.ts";
import { rowRetentionQueries } from "./row-retention.ts";
import { searchQueries } from "./search.ts";
import { secretQueries } from "./secrets.ts";
import { sentRetentionQueries } from "./sent-retention.ts";
import { sessionQueries } from "./sessions.ts";
import { turnQueries } from "./turns.ts";
import { usageQueries } from "./usage.ts";
import { Writer, type Tx } from "./writer.ts";

export type { Tx } from "./writer.ts";

export interface StoreOptions {
  file: string;
  /** The disk failed such that nothing may be retried: end the process. */
  onFatal(error: Error): void;
  /** Writes per commit. */
  maxGroup?: number | undefined;
}

/**
 * All durable state of the hive. Reads are synchronous look-ups. Writes must run inside `write` and share commits.
 * `seq` is the hive's only sequence: every event gets the next number, inside a write.
 */
export type Store = ReturnType<typeof openStore>;

export function openStore(options: StoreOptions) {
  const db = openOrDie(options);
  const durable = syncByHand(db);
  const inserts = new MessageInserts(db);
  const { onFatal, maxGroup } = options;
  const writer = new Writer({ ...durable, db, deferred: inserts, onFatal, maxGroup });
  const getMeta = db.prepare<[string], { value: string }>("SELECT value FROM meta WHERE key = ?");
  const setMeta = db.prepare<[string, string]>(
    "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
  );
  const newest = (table: string): number => {
    const row = db.prepare<[], { n: number | null }>(`SELECT max(seq) AS n FROM ${table}`).get();
    return row?.n ?? 0;
  };
  const queries = gate(db, inserts);
  const messages = messageQueries(db, queries, inserts);
  // Each reads the end of an index, so the cost of a start does not grow with history.
  let seq = ["questions", "turn_events", "audit", "approvals", "changes"]
    .map(newest)
    .reduce((most, one) => Math.max(most, one), messages.newestSeq());

  return {
    messages,
    search: searchQueries(queries),
    agents: agentQueries(queries),
    approvals: approvalQueries(queries),
    repositories: repositoryQueries(queries),
    includes: includeFileQueries(queries),
    changes: changeQueries(queries),
    pulls: pullRequestQueries(queries),
    turns: turnQueries(queries),
    eventRetention: eventRetentionQueries(queries),
    rowRetention: rowRetentionQueries(queries),
    sentRetention: sentRetentionQueries(queries),
    questions: questionQueries(queries),
    ledger: ledgerQueries(queries),
    usage: usageQueries(queries),
    chains: chainQueries(queries),
    budgets: budgetQueries(queries),
    sessions: sessionQueries(queries),
    operators: operatorQueries(queries),
    passkeys: passkeyQueries(queries),
    secrets: secretQueries(queries),
    meta: {
      get: (key: string): string | undefined => getMeta.get(key)?.value,
      /** Only inside a write. */
      set: (key: string, value: string): void => void setMeta.run(key, value),
    },
    /** Queues a write. Resolves with its result once it is on stable storage. */
    write: <T>(run: (tx: Tx) => T): Promise<T> => writer.write(run),
    /** The callback form of `write`. */
    writing: <T>(run: (tx: Tx) => T): ByCall<T> => writer.writing(run),
    /** The next number of the sequence. Numbers of a failed write are never reused. */
    nextSeq: (): number => ++seq,
    /** The newest number. */
    get seq(): number {
      return seq;
    },
    /**
     * Copies the whole database to stable storage, as it is when the promise resolves. The copy runs in small steps,
     * between which reads and writes continue. `onPages` receives the progress and stops the copy by throwing.
     */
    backup: (file: string, onPages: (done: number, all: number) => void): Promise<void> => copyDatabase(db, file, onPages),
    /** Stores queued writes, then closes the file. */
    close(): void {
      writer.close();
      durable.close();
      db.close();
    },
  };
}

/** A disk failure while opening the database is as fatal as a later one. */
function openOrDie(options: StoreOptions): Sqlite {
  try {
    return openDatabase(options.file);
  } catch (error) {
    if (isDiskFailure(error)) options.onFatal(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}
