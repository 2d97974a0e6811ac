import Database from "better-sqlite3";
import { HiveError } from "../wire/error.ts";
import type { Sqlite } from "./database.ts";
import { MIGRATIONS } from "./schema.ts";

/** Pages (4 KiB) that are copied between two turns of the event loop: a millisecond, in which nobody is answered. */
const PAGES_PER_STEP = 256;

/**
 * Copies a database that is in use into a new file by SQLite's own online backup. What this connection commits while
 * the copy is made goes into the copy too, so it never has to begin again, however busy the hive is.
 */
export async function copyDatabase(db: Sqlite, file: string, onPages: (done: number, all: number) => void): Promise<void> {
  await db.backup(file, {
    progress({ totalPages, remainingPages }) {
      onPages(totalPages - remainingPages, totalPages);
      return PAGES_PER_STEP;
    },
  });
}

/** Looks at a copy of our own before anything runs on it: throws words when it is damaged, or newer than this program. */
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
