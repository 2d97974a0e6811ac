import type { ByCall } from "../wire/by-call.ts";
import { HiveError } from "../wire/error.ts";
import { checkpointer, isDiskFailure, sqliteCode, type Checkpointer, type Sqlite } from "./database.ts";

/** What a queued write is given: how to be told when its group is on stable storage, or is not. */
export interface Tx {
  /** Runs after the commit, before the write's promise resolves. */
  afterCommit(effect: () => void): void;
  /** Runs when the write came to nothing: its own failure, or the group's. */
  onRollback(undo: () => void): void;
}

/**
 * Where a write's group may be synced. `beside`: in another thread while the loop goes on. Until that has ended the
 * write's rows can be read, and nobody has been told: whoever writes so must stand somebody looking in between.
 */
export type Syncing = "now" | "beside";

interface Queued {
  run(tx: Tx): unknown;
  syncing: Syncing;
  done(value: unknown): void;
  failed(error: unknown): void;
}

/** A group that is committed: what is still to be said when it is on stable storage. */
interface Ran {
  group: readonly Queued[];
  effects: (() => void)[];
  undos: (() => void)[];
  done: { entry: Queued; value: unknown }[];
  failed: { entry: Queued; error: unknown }[];
}

/** Writes that one commit may take in: bounds how long readers wait for the loop. */
export const MAX_GROUP = 512;

/** Writes from which on a group may be synced beside the loop: the way to a thread and back costs more than a few wait. */
export const MIN_BESIDE = 8;

/**
 * A disk that syncs in less than this is waited for in the loop, however large the group: what the loop would read
 * meanwhile makes a group of its own, and the thread takes processor time from whoever sends. A disk that takes longer
 * would keep pages and sockets waiting. Milliseconds.
 */
const QUICK_SYNC_MS = 0.5;

/** Rows that writes have put off: they are given to the database before the commit, many in a statement. */
export interface PutOff {
  /** How many. */
  readonly count: number;
  /** Gives them to the database. */
  flush(): void;
  /** Forgets them. */
  drop(): void;
}

const NOTHING: PutOff = { count: 0, flush() {}, drop() {} };

export interface WriterOptions {
  db: Sqlite;
  /** What writes put off. Absent: nothing. */
  putOff?: PutOff;
  /** Puts what has been committed on stable storage. Throws when that failed. */
  sync(): void;
  /** The same in another thread; absent: always in this one. */
  syncBeside?: ((done: (error: Error | null) => void) => void) | undefined;
  /** The disk failed in a way after which nothing may be retried. */
  onFatal(error: Error): void;
  /** Writes that one commit may take in. */
  maxGroup?: number | undefined;
  /** A disk that takes as long as this to sync is not waited for in the loop. Milliseconds. */
  quickSyncMs?: number | undefined;
}

/**
 * The one writer. Writes queue up, and all that wait run in one transaction and share one commit: a lone one in the next
 * turn of the event loop, several when a turn has brought no more. A promise resolves when its write is on stable storage
 * and not before. A write that throws undoes itself alone: nearly all do before they have changed anything, and cost the
 * group nothing. When one has, the group is run anew with a savepoint around each (savepoints for all would be a fifth of
 * the cost of a send). A full disk refuses the whole group with `disk_full`, and later groups work again when there is
 * room.
 *
 * It runs in the daemon's thread (docs/adr/0002-store.md): a commit of few writes blocks the loop for one sync, and what
 * arrives in that time forms the next group. A large group whose writes all allow it is synced beside the loop where the
 * disk was slow the last time (docs/adr/0032-sync-beside.md). Groups never overlap: the next begins when this one has been
 * told.
 */
export class Writer {
  readonly #db: Sqlite;
  readonly #onFatal: (error: Error) => void;
  readonly #sync: () => void;
  readonly #syncBeside: WriterOptions["syncBeside"];
  readonly #maxGroup: number;
  readonly #quickSyncMs: number;
  readonly #putOff: PutOff;
  /** Compiled once: they run with every write. */
  readonly #sql: Record<"begin" | "savepoint" | "release" | "rollbackTo" | "commit", { run(): unknown }>;
  /** Rows that this connection has changed so far. */
  readonly #changes: { get(): number | undefined };
  readonly #checkpointer: Checkpointer;
  #queue: Queued[] = [];
  /** Committed, and being synced beside the loop. */
  #underWay: Ran | undefined;
  #scheduled = false;
  /** How long the last sync took: a disk that nobody knows may be slow. Milliseconds. */
  #syncMs = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(options: WriterOptions) {
    const { db } = options;
    this.#db = db;
    this.#sync = options.sync;
    this.#syncBeside = options.syncBeside;
    this.#onFatal = options.onFatal;
    this.#maxGroup = options.maxGroup ?? MAX_GROUP;
    this.#quickSyncMs = options.quickSyncMs ?? QUICK_SYNC_MS;
    this.#putOff = options.putOff ?? NOTHING;
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

  /** Queues a write; resolves with its result once it is on stable storage. */
  write<T>(run: (tx: Tx) => T, syncing?: Syncing): Promise<T> {
    return new Promise<T>(this.writing(run, syncing));
  }

  /** The same by call. */
  writing<T>(run: (tx: Tx) => T, syncing: Syncing = "now"): ByCall<T> {
    return (done, failed) => {
      if (this.#closed) return failed(new HiveError("unavailable", "the daemon is ending: nothing is stored any more"));
      this.#queue.push({ run, syncing, done, failed });
      this.#schedule();
    };
  }

  /**
   * Waits for a group that is being synced beside the loop and tells of it. From then on, until the loop turns, what can
   * be read is what is on stable storage and has been told.
   */
  settle(): void {
    const ran = this.#underWay;
    if (ran) this.#finish(ran);
  }

  /** Commits what waits and takes nothing more: the last thing that happened is stored before the database closes. */
  close(): void {
    this.#closed = true;
    this.settle();
    while (this.#queue.length > 0) {
      this.#commit(this.#queue.splice(0, this.#maxGroup), "now");
    }
    this.#checkpoint("last");
  }

  #schedule(): void {
    if (this.#scheduled || this.#underWay) return;
    this.#scheduled = true;
    setImmediate(() => this.#look(0));
  }

  /**
   * Commits what waits, unless it is several writes and more of them than at the last look: then more are on their way,
   * and all share one sync. A lone write never waits for others.
   */
  #look(before: number): void {
    const count = this.#queue.length;
    if (count > before && count > 1 && count < this.#maxGroup) return void setImmediate(() => this.#look(count));
    this.#scheduled = false;
    const group = this.#queue.splice(0, this.#maxGroup);
    // `close` may have been quicker.
    if (group.length === 0) return;
    const beside =
      this.#syncMs >= this.#quickSyncMs && group.length >= MIN_BESIDE && group.every(({ syncing }) => syncing === "beside");
    this.#commit(group, beside ? "beside" : "now");
    if (this.#queue.length > 0) this.#schedule();
  }

  #commit(group: Queued[], syncing: Syncing): void {
    let ran = this.#attempt(group, "together");
    if (ran === "half-done") ran = this.#attempt(group, "apart");
    if (typeof ran === "string") return;
    if (syncing === "now" || !this.#syncBeside) return this.#finish(ran);
    this.#underWay = ran;
    const start = performance.now();
    this.#syncBeside((error) => {
      this.#syncMs = performance.now() - start;
      // Whoever settled has synced it too, through a file of its own, and knows how that went.
      if (this.#underWay === ran) this.#finish(ran, error);
    });
  }

  /** Syncs a committed group, unless that has been done with `outcome`, and says how it went. */
  #finish(ran: Ran, outcome?: Error | null): void {
    this.#underWay = undefined;
    try {
      if (outcome === undefined) this.#syncNow();
      else if (outcome) throw outcome;
    } catch (error) {
      return this.#refuse(ran.group, ran.undos, error);
    }
    for (const { entry, error } of ran.failed) entry.failed(error);
    for (const effect of ran.effects) effect();
    for (const { entry, value } of ran.done) entry.done(value);
    if (this.#queue.length > 0) this.#schedule();
    // After whoever waits for these writes has been answered.
    if (this.#checkpointer.wrote(ran.group.length)) setImmediate(() => this.#closed || this.#checkpoint("ifDue"));
  }

  /**
   * Runs and commits a group. `half-done`: a write failed after it had changed something, and there was no savepoint to
   * go back to. `refused`: the disk failed, or the only write did, and the group has been told. After both everything is
   * undone.
   */
  #attempt(group: readonly Queued[], how: "together" | "apart"): Ran | "half-done" | "refused" {
    const apart = how === "apart";
    // What fails alone takes everything back with it, whether it had changed something or not.
    const isAlone = group.length === 1 && !apart;
    const undos: (() => void)[] = [];
    const ran: Ran = { group, effects: [], undos, done: [], failed: [] };
    const tx: Tx = { afterCommit: (effect) => void ran.effects.push(effect), onRollback: (undo) => void undos.push(undo) };
    try {
      this.#sql.begin.run();
      for (const entry of group) {
        const [effectsBefore, undosBefore] = [ran.effects.length, undos.length];
        const changes = isAlone ? undefined : this.#changed();
        if (apart) this.#sql.savepoint.run();
        try {
          ran.done.push({ entry, value: entry.run(tx) });
          if (apart) {
            this.#putOff.flush();
            this.#sql.release.run();
          }
        } catch (error) {
          if (isStorageFailure(error)) throw error;
          if (apart) {
            this.#putOff.drop();
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
        this.#putOff.flush();
      } catch (error) {
        if (isAlone || isStorageFailure(error)) throw error;
        // Whose row it was shows when each write is alone.
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

  #syncNow(): void {
    const start = performance.now();
    this.#sync();
    this.#syncMs = performance.now() - start;
  }

  #refuse(group: readonly Queued[], undos: (() => void)[], error: unknown): void {
    this.#undo(undos);
    const words = this.#explain(error);
    for (const entry of group) entry.failed(words);
  }

  /** Rows that were changed so far, with those that are put off: flushing changes nothing about it. */
  #changed(): number {
    return (this.#changes.get() ?? 0) + this.#putOff.count;
  }

  #undo(undos: (() => void)[]): void {
    this.#putOff.drop();
    // Some failures end the transaction by themselves.
    if (this.#db.inTransaction) this.#db.exec("ROLLBACK");
    for (const undo of undos.reverse()) undo();
  }

  /** What was committed is safe in the WAL whatever happens here; but a disk that fails an fsync is not written to again. */
  #checkpoint(which: "ifDue" | "last"): void {
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
