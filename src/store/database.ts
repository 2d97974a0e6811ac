import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import Database from "better-sqlite3";
import { isNoRoom } from "../lib/no-room.ts";
import { HiveError } from "../wire/error.ts";
import { makePrivate } from "./private-file.ts";
import { MIGRATIONS } from "./schema.ts";

export type Sqlite = Database.Database;

/** WAL pages (4 KiB) that trigger a checkpoint: just under the preallocated size. */
const CHECKPOINT_PAGES = 4000;
/**
 * Writes between two checks of the WAL's size. SQLite recompiles that pragma each time, which after every commit was a
 * twentieth of the cost of a lone message. This many writes fit the preallocated WAL.
 */
const LOOK_EVERY_WRITES = 64;
/** Bytes of WAL that are preallocated: a commit that does not grow the file is a quarter cheaper. */
const WAL_BYTES = 17 * 1024 * 1024;
/** Bytes that are written at once while the WAL is grown. */
const ZEROS_BYTES = 1024 * 1024;
/** Bytes of a file that is written to see if there is room: a block of most file systems, and a page of the database. */
const PROBE_BYTES = 4096;
/** Milliseconds to wait for another process that reads the file (a backup). No other process writes. */
const BUSY_MS = 5000;

/**
 * Opens the database: for its owner alone, WAL mode, every commit on stable storage, schema up to date. Backs up an older schema first
 * (`<file>.backup-v<version>-<time>`). Refuses a newer one, because its rows may have another meaning.
 */
export function openDatabase(file: string, now: () => number = Date.now): Sqlite {
  const existed = existsSync(file) && statSync(file).size > 0;
  makePrivate(file);
  const db = new Database(file, { timeout: BUSY_MS });
  try {
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.pragma("foreign_keys = ON");
    // SQLite's own checkpoint ignores a failed fsync and retries with the next commit. `checkpointer` reports it.
    db.pragma("wal_autocheckpoint = 0");
    migrate(db, file, existed, now);
    growWal(file);
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
    // VACUUM INTO makes one consistent copy, including what is still in the WAL.
    makePrivate(backup);
    db.prepare("VACUUM INTO ?").run(backup);
  }
  db.transaction(() => {
    for (const sql of MIGRATIONS.slice(version)) db.exec(sql);
    db.pragma(`user_version = ${MIGRATIONS.length}`);
  }).immediate();
}

/**
 * Appends zeros to the WAL until it has its size and its blocks. SQLite takes them for the rest of an older log, which it
 * overwrites, and whose checksums do not fit. Letting SQLite itself grow the file took ten times as long.
 */
function growWal(file: string): void {
  // The WAL carries no lock, so closing this descriptor releases none.
  const wal = openSync(`${file}-wal`, "r+");
  const before = fstatSync(wal).size;
  try {
    const zeros = Buffer.alloc(ZEROS_BYTES);
    for (let size = before; size < WAL_BYTES;) size += writeSync(wal, zeros, 0, Math.min(ZEROS_BYTES, WAL_BYTES - size), size);
  } catch (error) {
    // A disk that is too full for this can still run the hive, with the last blocks for its commits. A disk that fails
    // cannot.
    if (!isNoRoom(error)) throw error;
    ftruncateSync(wal, before);
  } finally {
    closeSync(wal);
  }
}

/** Syncs the committed WAL to stable storage. */
export interface DurableWal {
  /** Throws if the disk failed. */
  sync(): void;
  close(): void;
}

/**
 * Moves the sync of commits to the caller: from here on COMMIT only writes, and `sync` puts the writes on stable
 * storage.
 *
 * SQLite would call fsync; this calls fdatasync. fsync also waits for the file system's journal, because the
 * modification time changed. fdatasync of a file that did not grow waits for the disk alone. SQLite still syncs what a
 * checkpoint moves, before and after it, and the header of a WAL that restarts.
 */
export function syncByHand(db: Sqlite): DurableWal {
  db.pragma("synchronous = NORMAL");
  // The WAL carries no lock, so closing this descriptor releases none. Closing one of the database would.
  const wal = openSync(`${db.name}-wal`, "r");
  return { sync: () => fdatasyncSync(wal), close: () => closeSync(wal) };
}

/** Copies the WAL back into the database. Throws the disk's error. A full disk postpones the copy. */
export interface Checkpointer {
  /** Counts writes. True when the WAL's size is due for a check. */
  wrote(count: number): boolean;
  /** Runs a checkpoint if the WAL has grown enough. */
  ifDue(): void;
  /** Copies everything, before the database closes. */
  last(): void;
}

export function checkpointer(db: Sqlite, noRoom: () => boolean): Checkpointer {
  const look = db.prepare<[], { log: number; checkpointed: number }>("PRAGMA wal_checkpoint(NOOP)");
  const run = (mode: "PASSIVE" | "TRUNCATE"): void => {
    try {
      db.pragma(`wal_checkpoint(${mode})`);
    } catch (error) {
      if (!isFull(error, noRoom)) throw error;
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

/** The code of an error of SQLite or of the system, or an empty string for other errors. */
export function sqliteCode(error: unknown): string {
  const code = typeof error === "object" && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === "string" ? code : "";
}

/**
 * True if SQLite found no room. It knows only a full disk by name: a share of it that is used up (`EDQUOT`) is a failed
 * write to it, as a broken disk is. `noRoom` tells them apart.
 */
export function isFull(error: unknown, noRoom: () => boolean): boolean {
  const code = sqliteCode(error);
  return code === "SQLITE_FULL" || (code === "SQLITE_IOERR_WRITE" && noRoom());
}

/** True if a file beside the database cannot be written because the disk, or the share of the user, is full. */
export function hasNoRoom(file: string): boolean {
  const probe = `${file}-room`;
  try {
    writeFileSync(probe, Buffer.alloc(PROBE_BYTES), { mode: 0o600 });
    return false;
  } catch (error) {
    // Any other failure says nothing about room.
    return isNoRoom(error);
  } finally {
    rmSync(probe, { force: true });
  }
}

/**
 * True if the disk failed such that its contents are unknown. A full disk is not such a failure. A failed sync always
 * is, even if it reports a full disk.
 */
export function isDiskFailure(error: unknown): boolean {
  if (typeof error === "object" && error !== null && (error as { syscall?: unknown }).syscall === "fdatasync") return true;
  const code = sqliteCode(error);
  return code === "EIO" || code.startsWith("SQLITE_IOERR") || code.startsWith("SQLITE_CORRUPT");
}
