import { open } from "node:fs/promises";
import Database from "better-sqlite3";
import { HiveError } from "../wire/error.ts";
import type { Sqlite } from "./database.ts";
import { makePrivate } from "./private-file.ts";
import { MIGRATIONS } from "./schema.ts";

/** Pages (4 KiB) per step of the copy: about a millisecond, during which the loop is blocked. */
const PAGES_PER_STEP = 256;

/**
 * Bytes after which the copy is flushed in the background. SQLite's own flush at the end blocks the daemon's thread.
 */
const FLUSH_BYTES = 64 * 1024 * 1024;

/**
 * Copies a database in use into a new file with SQLite's online backup. Commits of this connection during the copy go
 * into the copy as well, so it never has to restart, however busy the hive is.
 */
export async function copyDatabase(db: Sqlite, file: string, onPages: (done: number, all: number) => void): Promise<void> {
  const pageBytes = db.pragma("page_size", { simple: true }) as number;
  makePrivate(file);
  const flusher = new Flusher(file);
  let unflushed = 0;
  let isAllFlushed = false;
  await db.backup(file, {
    progress({ totalPages, remainingPages }) {
      flusher.throwIfFailed();
      onPages(totalPages - remainingPages, totalPages);
      if (remainingPages > PAGES_PER_STEP) {
        unflushed += PAGES_PER_STEP * pageBytes;
        if (unflushed >= FLUSH_BYTES && flusher.start()) unflushed = 0;
        return PAGES_PER_STEP;
      }
      // The last step flushes the rest and blocks the loop, so nearly nothing should remain.
      if (!isAllFlushed) isAllFlushed = flusher.start();
      return flusher.isBusy ? 0 : PAGES_PER_STEP;
    },
  });
}

/** Flushes a file to stable storage in the thread pool, one call at a time. */
class Flusher {
  readonly #file: string;
  #failed: unknown;
  isBusy = false;

  constructor(file: string) {
    this.#file = file;
  }

  /** False if a flush is still running. */
  start(): boolean {
    if (this.isBusy) return false;
    this.isBusy = true;
    void this.#flush()
      .catch((error: unknown) => (this.#failed = error))
      .finally(() => (this.isBusy = false));
    return true;
  }

  throwIfFailed(): void {
    if (this.#failed !== undefined) throw this.#failed;
  }

  async #flush(): Promise<void> {
    const handle = await open(this.#file, "r");
    try {
      await handle.datasync();
    } finally {
      await handle.close();
    }
  }
}

/** Checks our own copy before anything runs on it. Throws a HiveError if it is damaged or newer than this program. */
export function checkCopy(file: string): void {
  const db = new Database(file, { fileMustExist: true });
  try {
    const version = db.pragma("user_version", { simple: true }) as number;
    if (version > MIGRATIONS.length)
      throw new HiveError(
        "conflict",
        `the backup's database has schema ${version}, newer than this program's ${MIGRATIONS.length}: update hyperhive`,
      );
    const found = db.pragma("integrity_check", { simple: true });
    if (found !== "ok") throw new HiveError("conflict", `the backup's database is damaged: ${String(found)}`);
  } catch (error) {
    if (error instanceof HiveError) throw error;
    throw new HiveError("conflict", `the backup's database cannot be read: ${error instanceof Error ? error.message : ""}`, {
      cause: error,
    });
  } finally {
    db.close();
  }
}

/** The names of the secrets that a checked copy has rows of. No copy has a value. */
export function secretsOf(file: string): string[] {
  const db = new Database(file, { fileMustExist: true, readonly: true });
  try {
    // The copy may be older than the table.
    const has = db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'secrets'").get() !== undefined;
    return has ? db.prepare<[], string>("SELECT name FROM secrets ORDER BY name").pluck().all() : [];
  } finally {
    db.close();
  }
}
