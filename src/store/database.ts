import { closeSync, existsSync, fdatasync, fdatasyncSync, openSync, statSync } from "node:fs";
import Database from "better-sqlite3";
import { HiveError } from "../wire/error.ts";
import { MIGRATIONS } from "./schema.ts";

export type Sqlite = Database.Database;

/** Pages (4 KiB) of WAL after which it is copied back: just under the size that is grown in advance. */
const CHECKPOINT_PAGES = 4000;
/**
 * Writes between two looks at how far the WAL has grown. SQLite compiles that pragma anew each time, which after every
 * commit was a twentieth of what a lone message costs; and so few writes stay within the WAL that exists already.
 */
const LOOK_EVERY_WRITES = 64;
/** Bytes of WAL that exist before the first commit: a commit that need not grow the file is a quarter cheaper. */
const WAL_BYTES = 17 * 1024 * 1024;
/** Pages of cache while the WAL is grown. */
const SPILL_PAGES = 50;
/** Milliseconds to wait for another process that reads the file (a backup); nobody else ever writes. */
const BUSY_MS = 5000;

/**
 * Opens the database: WAL, every commit on stable storage, schema up to date. An older schema is backed up first
 * (`<file>.backup-v<version>-<time>`); a newer one is refused, because its rows may mean something else.
 */
export function openDatabase(file: string, now: () => number = Date.now): Sqlite {
  const existed = existsSync(file) && statSync(file).size > 0;
  const db = new Database(file, { timeout: BUSY_MS });
  try {
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.pragma("foreign_keys = ON");
    // SQLite's own checkpoint swallows a failed fsync and tries again with the next commit: `checkpointer` tells of it.
    db.pragma("wal_autocheckpoint = 0");
    migrate(db, file, existed, now);
    growWal(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function migrate(db: Sqlite, file: string, existed: boolean, now: () => number): void {
  const version = db.pragma("user_version", { simple: true }) as number;
  if (version > MIGRATIONS.length) {
    throw new HiveError(
      "conflict",
      `${file} has schema ${version}, newer than this program's ${MIGRATIONS.length}: update hyperhive, or restore a backup`,
    );
  }
  if (version === MIGRATIONS.length) return;
  if (existed && version > 0) {
    const backup = `${file}.backup-v${version}-${new Date(now()).toISOString().replaceAll(":", "")}`;
    // VACUUM INTO is one consistent copy, also of what is still in the WAL.
    db.prepare("VACUUM INTO ?").run(backup);
  }
  db.transaction(() => {
    for (const sql of MIGRATIONS.slice(version)) db.exec(sql);
    db.pragma(`user_version = ${MIGRATIONS.length}`);
  }).immediate();
}

/**
 * Spills an uncommitted transaction into the WAL and takes it back: the file keeps its size and its blocks, the database
 * is as it was.
 */
function growWal(db: Sqlite): void {
  const cache = db.pragma("cache_size", { simple: true }) as number;
  try {
    // What fits into the cache would stay there.
    db.pragma(`cache_size = ${SPILL_PAGES}`);
    db.exec("BEGIN IMMEDIATE");
    db.exec("CREATE TABLE growth (filler BLOB)");
    db.prepare("INSERT INTO growth VALUES (zeroblob(?))").run(WAL_BYTES);
    db.exec("ROLLBACK");
  } catch (error) {
    if (db.inTransaction) db.exec("ROLLBACK");
    // A disk too full for this is still good enough to run on; one that fails is not.
    if (sqliteCode(error) !== "SQLITE_FULL") throw error;
  } finally {
    db.pragma(`cache_size = ${cache}`);
  }
}

/** Puts what has been committed on stable storage, in this thread or in another. */
export interface DurableWal {
  /** Throws when the disk failed. */
  sync(): void;
  /** Tells `done` what the disk said. */
  syncBeside(done: (error: Error | null) => void): void;
  close(): void;
}

/**
 * Hands the commits over to `sync`: from here on COMMIT only writes, and `sync` puts what was written on stable storage.
 *
 * SQLite's own call would be fsync where ours is fdatasync. The difference is the file's time of change: fsync waits for
 * the file system's journal because of it, fdatasync of a file that did not grow waits for the disk alone. SQLite still
 * syncs by itself what a checkpoint moves, before and after it, and the header of a WAL that starts anew.
 */
export function syncByHand(db: Sqlite): DurableWal {
  db.pragma("synchronous = NORMAL");
  // The WAL carries no lock, so closing these descriptors lets go of none (those of the database would).
  const wal = openSync(`${db.name}-wal`, "r");
  // A failed write-back is told once to each open file: both must hear of it, whoever asks first.
  const besideWal = openSync(`${db.name}-wal`, "r");
  let underWay = 0;
  let closed = false;
  const letGo = (): void => {
    // Not under a thread's feet: the number would soon be another file's.
    if (closed && underWay === 0) closeSync(besideWal);
  };
  return {
    sync: () => fdatasyncSync(wal),
    syncBeside(done) {
      underWay++;
      fdatasync(besideWal, (error) => {
        underWay--;
        letGo();
        done(error);
      });
    },
    close() {
      closeSync(wal);
      closed = true;
      letGo();
    },
  };
}

/** Copies the WAL back into the database. Throws what the disk said; a full disk leaves it for later. */
export interface Checkpointer {
  /** Counts writes. True when the last look at the WAL is long enough ago. */
  wrote(count: number): boolean;
  /** When the WAL has grown enough; a look at a counter otherwise. */
  ifDue(): void;
  /** All of it, before the database closes. */
  last(): void;
}

export function checkpointer(db: Sqlite): Checkpointer {
  const look = db.prepare<[], { log: number; checkpointed: number }>("PRAGMA wal_checkpoint(NOOP)");
  const run = (mode: "PASSIVE" | "TRUNCATE"): void => {
    try {
      db.pragma(`wal_checkpoint(${mode})`);
    } catch (error) {
      if (sqliteCode(error) !== "SQLITE_FULL") throw error;
    }
  };
  let unseen = 0;
  return {
    wrote(count) {
      unseen += count;
      return unseen >= LOOK_EVERY_WRITES;
    },
    ifDue() {
      unseen = 0;
      const state = look.get();
      if (state && state.log >= CHECKPOINT_PAGES && state.checkpointed < state.log) run("PASSIVE");
    },
    last: () => run("TRUNCATE"),
  };
}

/** SQLite's name for a failure, or nothing when it is another's. */
export function sqliteCode(error: unknown): string {
  const code = typeof error === "object" && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === "string" ? code : "";
}

/**
 * The disk failed in a way after which what is on it is unknown. A full one is not that, but a failed sync is, whatever
 * the disk says of it (also when it says that it is full).
 */
export function isDiskFailure(error: unknown): boolean {
  if (typeof error === "object" && error !== null && (error as { syscall?: unknown }).syscall === "fdatasync") return true;
  const code = sqliteCode(error);
  return code.startsWith("SQLITE_IOERR") || code.startsWith("SQLITE_CORRUPT");
}
