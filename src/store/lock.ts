import { hivectl } from "../lib/hivectl.ts";
import Database from "better-sqlite3";
import { HiveError } from "../wire/error.ts";
import { makePrivate } from "./private-file.ts";

/**
 * Ensures that only one daemon owns a state folder. The kernel holds the lock on an open file and releases it when the
 * process ends, however it ends, so a lock is never stale. Throws `conflict` if another daemon holds it.
 */
export function takeLock(file: string): { release(): void } {
  // Anyone who can open the file can hold the lock.
  makePrivate(file);
  const db = new Database(file, { timeout: 0 });
  try {
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if (error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY")) {
      throw new HiveError(
        "conflict",
        `another hive-c0re runs on this state folder (it holds ${file}): stop it with ${hivectl("shutdown")}, or use another HIVE_STATE_DIR`,
      );
    }
    throw error;
  }
  return { release: () => void db.close() };
}
