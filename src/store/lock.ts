import Database from "better-sqlite3";
import { HiveError } from "../wire/error.ts";

/**
 * Makes sure that one daemon at a time owns a state folder. The lock is the kernel's, on an open file: it goes with
 * the process, however that ends, so there is never a stale one. Throws `conflict` when another daemon holds it.
 */
export function takeLock(file: string): { release(): void } {
  const db = new Database(file, { timeout: 0 });
  try {
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if (error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY")) {
      throw new HiveError(
        "conflict",
        `another hive-c0re runs on this state folder (it holds ${file}): stop it with \`npx hivectl shutdown\`, or use another HIVE_STATE_DIR`,
      );
    }
    throw error;
  }
  return { release: () => void db.close() };
}
