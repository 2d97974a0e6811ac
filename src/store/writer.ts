import { HiveError } from "../wire/error.ts";
import { checkpointer, isDiskFailure, sqliteCode, type Checkpointer, type Sqlite } from "./database.ts";

/** What a queued write is given: how to be told when its group is on stable storage, or is not. */
export interface Tx {
  /** Runs after the commit, before the write's promise resolves. */
  afterCommit(effect: () => void): void;
  /** Runs when the write came to nothing: its own failure, or the group's. */
  onRollback(undo: () => void): void;
}

interface Queued {
  run(tx: Tx): unknown;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** A group that is on stable storage: what is still to be said. */
interface Ran {
  effects: (() => void)[];
  done: { entry: Queued; value: unknown }[];
  failed: { entry: Queued; error: unknown }[];
}

/** Writes that one commit may take in: bounds how long readers wait for the loop. */
export const MAX_GROUP = 512;

export interface WriterOptions {
  db: Sqlite;
  /** Puts what has been committed on stable storage. Throws when that failed. */
  sync(): void;
  /** The disk failed in a way after which nothing may be retried. */
  onFatal(error: Error): void;
  /** Writes that one commit may take in. */
  maxGroup?: number | undefined;
}

/**
 * The one writer. Writes queue up; once per turn of the event loop all that wait run in one transaction and share one
 * commit. A promise resolves when its write is on stable storage and not before. A write that throws undoes itself
 * alone: nearly all do before they have changed anything, and cost the group nothing. When one has, the group is run
 * anew with a savepoint around each (savepoints for all would be a fifth of the cost of a send). A full disk refuses the
 * whole group with `disk_full`, and later groups work again when there is room.
 *
 * It runs in the daemon's thread (docs/adr/0002-store.md): a commit blocks the loop for one fsync, and what arrives
 * in that time forms the next group.
 */
export class Writer {
  readonly #db: Sqlite;
  readonly #onFatal: (error: Error) => void;
  readonly #sync: () => void;
  readonly #maxGroup: number;
  /** Compiled once: they run with every write. */
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
    this.#maxGroup = options.maxGroup ?? MAX_GROUP;
    this.#sql = {
      begin: db.prepare("BEGIN IMMEDIATE"),
      savepoint: db.prepare("SAVEPOINT one"),
      release: db.prepare("RELEASE one"),
      rollbackTo: db.prepare("ROLLBACK TO one"),
      commit: db.prepare("COMMIT"),
    };
    this.#changes = db.prepare<[], number>("SELECT total_changes()").pluck();
    this.#checkpointer = checkpointer(db);
  }

  write<T>(run: (tx: Tx) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#closed) return reject(new HiveError("unavailable", "the daemon is ending: nothing is stored any more"));
      this.#queue.push({ run, resolve: resolve, reject });
      this.#schedule();
    });
  }

  /** Commits what waits and takes nothing more: the last thing that happened is stored before the database closes. */
  close(): void {
    this.#closed = true;
    while (this.#queue.length > 0) this.#commit(this.#queue.splice(0, this.#maxGroup));
    this.#checkpoint("last");
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const group = this.#queue.splice(0, this.#maxGroup);
      if (group.length === 0) return;
      if (this.#queue.length > 0) this.#schedule();
      this.#commit(group);
    });
  }

  #commit(group: Queued[]): void {
    let ran = this.#attempt(group, "together");
    if (ran === "half-done") ran = this.#attempt(group, "apart");
    if (typeof ran === "string") return;
    for (const { entry, error } of ran.failed) entry.reject(error);
    for (const effect of ran.effects) effect();
    for (const { entry, value } of ran.done) entry.resolve(value);
    // After whoever waits for these writes has been answered.
    setImmediate(() => this.#closed || this.#checkpoint("ifDue"));
  }

  /**
   * Runs and commits a group. `half-done`: a write failed after it had changed something, and there was no savepoint to
   * go back to. `refused`: the disk failed, and the group has been told. After both everything is undone.
   */
  #attempt(group: readonly Queued[], how: "together" | "apart"): Ran | "half-done" | "refused" {
    const apart = how === "apart";
    const ran: Ran = { effects: [], done: [], failed: [] };
    const undos: (() => void)[] = [];
    const tx: Tx = { afterCommit: (effect) => void ran.effects.push(effect), onRollback: (undo) => void undos.push(undo) };
    try {
      this.#sql.begin.run();
      for (const entry of group) {
        const [effectsBefore, undosBefore] = [ran.effects.length, undos.length];
        const changes = this.#changes.get();
        if (apart) this.#sql.savepoint.run();
        try {
          ran.done.push({ entry, value: entry.run(tx) });
          if (apart) this.#sql.release.run();
        } catch (error) {
          if (isStorageFailure(error)) throw error;
          if (apart) {
            this.#sql.rollbackTo.run();
            this.#sql.release.run();
          } else if (this.#changes.get() !== changes) {
            this.#undo(undos);
            return "half-done";
          }
          for (const undo of undos.splice(undosBefore).reverse()) undo();
          ran.effects.length = effectsBefore;
          ran.failed.push({ entry, error });
        }
      }
      this.#sql.commit.run();
      this.#sync();
      return ran;
    } catch (error) {
      this.#undo(undos);
      const words = this.#explain(error);
      for (const entry of group) entry.reject(words);
      return "refused";
    }
  }

  #undo(undos: (() => void)[]): void {
    // Some failures end the transaction by themselves.
    if (this.#db.inTransaction) this.#db.exec("ROLLBACK");
    for (const undo of undos.reverse()) undo();
  }

  /** What was committed is safe in the WAL whatever happens here; but a disk that fails an fsync is not written to again. */
  #checkpoint(which: keyof Checkpointer): void {
    try {
      this.#checkpointer[which]();
    } catch (error) {
      if (!isDiskFailure(error)) throw error;
      this.#onFatal(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #explain(error: unknown): unknown {
    const code = sqliteCode(error);
    if (code === "SQLITE_FULL") {
      return new HiveError("disk_full", "the disk is full: nothing was stored; free some room and try again", { cause: error });
    }
    if (isDiskFailure(error)) {
      // After a failed fsync the kernel may have dropped the pages: what is on disk is unknown, so nothing is retried.
      this.#onFatal(error instanceof Error ? error : new Error(String(error)));
      return new HiveError("unavailable", "the disk failed; the daemon ends", { cause: error });
    }
    return error;
  }
}

function isStorageFailure(error: unknown): boolean {
  return sqliteCode(error) === "SQLITE_FULL" || isDiskFailure(error);
}
