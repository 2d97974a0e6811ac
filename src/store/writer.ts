import type { ByCall } from "../wire/by-call.ts";
import { HiveError } from "../wire/error.ts";
import { checkpointer, hasNoRoom, isDiskFailure, isFull, sqliteCode, type Checkpointer, type Sqlite } from "./database.ts";

/** The hooks of a queued write. */
export interface Tx {
  /** Runs after the commit, before the write's promise resolves. */
  afterCommit(effect: () => void): void;
  /** Runs if the write is undone, by its own failure or the group's. */
  onRollback(undo: () => void): void;
}

interface Queued {
  run(tx: Tx): unknown;
  done(value: unknown): void;
  failed(error: unknown): void;
}

/** What to report of a committed group once it is on stable storage. */
interface Ran {
  effects: (() => void)[];
  undos: (() => void)[];
  done: { entry: Queued; value: unknown }[];
  failed: { entry: Queued; error: unknown }[];
}

/** Writes per commit. Bounds how long readers wait for the loop. */
export const MAX_GROUP = 512;

/** Deferred rows. They are inserted before the commit, many per statement. */
export interface DeferredRows {
  /** Number of deferred rows. */
  readonly count: number;
  /** Inserts them. */
  flush(): void;
  /** Discards them. */
  drop(): void;
}

const NOTHING: DeferredRows = { count: 0, flush() {}, drop() {} };

export interface WriterOptions {
  db: Sqlite;
  /** The deferred rows of writes. Without it, no rows are deferred. */
  deferred?: DeferredRows;
  /** Puts committed writes on stable storage. Throws if that fails. */
  sync(): void;
  /** True if a write beside the database finds no room either. By default it is tried. */
  hasNoRoom?(): boolean;
  /** The disk failed such that nothing may be retried. */
  onFatal(error: Error): void;
  /** Writes per commit. */
  maxGroup?: number | undefined;
}

/**
 * The only writer. Writes queue up, and all queued writes run in one transaction and share one commit. A lone write
 * commits in the next turn of the event loop; several commit when a turn has added no more. A promise resolves only
 * after its write is on stable storage. A write that throws is undone alone. Nearly all of them throw before they have
 * changed anything, which costs the group nothing. Otherwise the group is run again with a savepoint around each write
 * (savepoints for all groups would be a fifth of the cost of a send). A full disk refuses the whole group with
 * `disk_full`; later groups succeed once there is room.
 *
 * The writer runs in the daemon's thread (docs/adr/0002-store.md): a small commit blocks the loop for one sync, and the
 * requests that arrive meanwhile form the next group. A group is on stable storage and reported before anything else
 * runs, so whatever can be read is durable.
 */
export class Writer {
  readonly #db: Sqlite;
  readonly #onFatal: (error: Error) => void;
  readonly #sync: () => void;
  readonly #noRoom: () => boolean;
  readonly #maxGroup: number;
  readonly #deferred: DeferredRows;
  /** Prepared once, because they run with every write. */
  readonly #sql: Record<"begin" | "savepoint" | "release" | "rollbackTo" | "commit", { run(): unknown }>;
  /** Rows that this connection has changed so far. */
  readonly #changes: { get(): number | undefined };
  readonly #checkpointer: Checkpointer;
  #queue: Queued[] = [];
  #scheduled = false;
  #closed = false;

  constructor(options: WriterOptions) {
    const { db } = options;
    this.#db = db;
    this.#sync = options.sync;
    this.#onFatal = options.onFatal;
    this.#noRoom = options.hasNoRoom ?? (() => hasNoRoom(db.name));
    this.#maxGroup = options.maxGroup ?? MAX_GROUP;
    this.#deferred = options.deferred ?? NOTHING;
    this.#sql = {
      begin: db.prepare("BEGIN IMMEDIATE"),
      savepoint: db.prepare("SAVEPOINT one"),
      release: db.prepare("RELEASE one"),
      rollbackTo: db.prepare("ROLLBACK TO one"),
      commit: db.prepare("COMMIT"),
    };
    this.#changes = db.prepare<[], number>("SELECT total_changes()").pluck();
    this.#checkpointer = checkpointer(db, this.#noRoom);
  }

  /** Queues a write. Resolves with its result once it is on stable storage. */
  write<T>(run: (tx: Tx) => T): Promise<T> {
    return new Promise<T>(this.writing(run));
  }

  /** The callback form of `write`. */
  writing<T>(run: (tx: Tx) => T): ByCall<T> {
    return (done, failed) => {
      if (this.#closed) return failed(new HiveError("unavailable", "the daemon is ending: nothing is stored any more"));
      this.#queue.push({ run, done, failed });
      this.#schedule();
    };
  }

  /** Commits queued writes and accepts no more, so the last event is stored before the database closes. */
  close(): void {
    this.#closed = true;
    while (this.#queue.length > 0) this.#commit(this.#queue.splice(0, this.#maxGroup));
    this.#checkpoint("last");
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#look(0));
  }

  /**
   * Commits queued writes. If there are several and more than at the last check, more are arriving: wait one turn, so
   * that all share a sync. A lone write never waits for others.
   */
  #look(before: number): void {
    const count = this.#queue.length;
    if (count > before && count > 1 && count < this.#maxGroup) return void setImmediate(() => this.#look(count));
    this.#scheduled = false;
    const group = this.#queue.splice(0, this.#maxGroup);
    // `close` may have run first.
    if (group.length === 0) return;
    this.#commit(group);
    if (this.#queue.length > 0) this.#schedule();
  }

  /** Runs and commits a group, puts it on stable storage and reports it. */
  #commit(group: Queued[]): void {
    let ran = this.#attempt(group, "together");
    if (ran === "half-done") ran = this.#attempt(group, "apart");
    if (typeof ran === "string") return;
    try {
      this.#sync();
    } catch (error) {
      return this.#refuse(group, ran.undos, error);
    }
    for (const { entry, error } of ran.failed) entry.failed(error);
    for (const effect of ran.effects) effect();
    for (const { entry, value } of ran.done) entry.done(value);
    // After the callers of these writes have been answered.
    if (this.#checkpointer.wrote(group.length)) setImmediate(() => this.#closed || this.#checkpoint("ifDue"));
  }

  /**
   * Runs and commits a group. `half-done`: a write failed after it had changed something, and there was no savepoint to
   * return to. `refused`: the disk failed, or the only write did, and the group has been notified. After either,
   * everything is undone.
   */
  #attempt(group: readonly Queued[], how: "together" | "apart"): Ran | "half-done" | "refused" {
    const apart = how === "apart";
    // A group of one needs no check for changes: its failure rolls back the whole transaction.
    const isAlone = group.length === 1 && !apart;
    const undos: (() => void)[] = [];
    const ran: Ran = { effects: [], undos, done: [], failed: [] };
    const tx: Tx = { afterCommit: (effect) => void ran.effects.push(effect), onRollback: (undo) => void undos.push(undo) };
    try {
      this.#sql.begin.run();
      for (const entry of group) {
        const [effectsBefore, undosBefore] = [ran.effects.length, undos.length];
        const changes = isAlone ? undefined : this.#changed();
        if (apart) this.#sql.savepoint.run();
        try {
          const value = entry.run(tx);
          if (apart) {
            this.#deferred.flush();
            this.#sql.release.run();
          }
          // Not before its deferred rows are in: one that is refused fails its write.
          ran.done.push({ entry, value });
        } catch (error) {
          if (isStorageFailure(error)) throw error;
          if (apart) {
            this.#deferred.drop();
            this.#sql.rollbackTo.run();
            this.#sql.release.run();
          } else if (isAlone) {
            this.#undo(undos);
            entry.failed(error);
            return "refused";
          } else if (this.#changed() !== changes) {
            this.#undo(undos);
            return "half-done";
          }
          for (const undo of undos.splice(undosBefore).reverse()) undo();
          ran.effects.length = effectsBefore;
          ran.failed.push({ entry, error });
        }
      }
      try {
        this.#deferred.flush();
      } catch (error) {
        if (isAlone || isStorageFailure(error)) throw error;
        // Re-run each write in its own savepoint to find the failing row.
        this.#undo(undos);
        return "half-done";
      }
      this.#sql.commit.run();
      return ran;
    } catch (error) {
      this.#refuse(group, undos, error);
      return "refused";
    }
  }

  #refuse(group: readonly Queued[], undos: (() => void)[], error: unknown): void {
    this.#undo(undos);
    const words = this.#explain(error);
    for (const entry of group) entry.failed(words);
  }

  /** Rows changed so far, including deferred ones. A flush does not change the sum. */
  #changed(): number {
    return (this.#changes.get() ?? 0) + this.#deferred.count;
  }

  #undo(undos: (() => void)[]): void {
    this.#deferred.drop();
    // Some failures end the transaction themselves.
    if (this.#db.inTransaction) this.#db.exec("ROLLBACK");
    for (const undo of undos.reverse()) undo();
  }

  /**
   * Committed writes are safe in the WAL whatever happens here. But the daemon never writes again to a disk that failed
   * an fsync.
   */
  #checkpoint(which: "ifDue" | "last"): void {
    try {
      this.#checkpointer[which]();
    } catch (error) {
      if (!isDiskFailure(error)) throw error;
      this.#onFatal(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #explain(error: unknown): unknown {
    if (isFull(error, this.#noRoom)) {
      return new HiveError("disk_full", "the disk is full: nothing was stored; free some room and try again", { cause: error });
    }
    if (isDiskFailure(error)) {
      // After a failed fsync the kernel may have dropped the pages. The contents of the disk are unknown, so nothing is
      // retried.
      this.#onFatal(error instanceof Error ? error : new Error(String(error)));
      return new HiveError("unavailable", "the disk failed; the daemon ends", { cause: error });
    }
    return error;
  }
}

function isStorageFailure(error: unknown): boolean {
  return sqliteCode(error) === "SQLITE_FULL" || isDiskFailure(error);
}
