import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { copyDatabase } from "./copy.ts";
import { openDatabase } from "./database.ts";
import { MIGRATIONS } from "./schema.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "private-"));
  file = join(folder, "hive.db");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Files of the folder that others than their owner may open. */
const open = (): string[] => readdirSync(folder).filter((name) => (statSync(join(folder, name)).mode & 0o077) !== 0);

test("a new database and the files beside it are for its owner alone", () => {
  const db = openDatabase(file);
  db.exec("CREATE TABLE one (x)");
  expect(readdirSync(folder).toSorted()).toEqual(["hive.db", "hive.db-shm", "hive.db-wal"]);
  expect(open()).toEqual([]);
  db.close();
});

test("an older one that others can read becomes so, with the copy that is made before a migration", () => {
  const old = new Database(file);
  old.pragma("journal_mode = WAL");
  for (const sql of MIGRATIONS.slice(0, -1)) old.exec(sql);
  old.pragma(`user_version = ${MIGRATIONS.length - 1}`);
  for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o644);
  const db = openDatabase(file);
  expect(readdirSync(folder)).toContainEqual(expect.stringMatching(/^hive\.db\.backup-v/));
  expect(open()).toEqual([]);
  db.close();
  old.close();
});

test("a backup's database is for its owner alone", async () => {
  const db = openDatabase(file);
  await copyDatabase(db, join(folder, "copy.db"), () => {});
  expect(readdirSync(folder)).toContain("copy.db");
  expect(open()).toEqual([]);
  db.close();
});
