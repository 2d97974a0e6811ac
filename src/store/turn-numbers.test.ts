import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import { MIGRATIONS } from "./schema.ts";

/** The last schema in which a turn could have any number. */
const BEFORE = MIGRATIONS.findIndex((sql) => sql.includes("TABLE renumbered"));

test("turns of an older database with numbers that leave none for the next one follow the others", () => {
  const folder = mkdtempSync(join(tmpdir(), "turns-"));
  const file = join(folder, "hive.db");
  const old = new Database(file);
  for (const sql of MIGRATIONS.slice(0, BEFORE)) old.exec(sql);
  old.pragma(`user_version = ${BEFORE}`);
  const turn = old.prepare("INSERT INTO turns (agent, turn, message, started_at) VALUES (?, ?, ?, 0)");
  const turns: [string, number][] = [
    ["ada", 1],
    ["ada", 2],
    ["ada", Number.MAX_SAFE_INTEGER],
    ["ada", 5_000_000_000],
    ["bob", Number.MAX_SAFE_INTEGER - 1],
    ["eve", 1_000_000_000],
  ];
  turns.forEach(([agent, number], message) => turn.run(agent, number, message));
  const message = old.prepare(
    `INSERT INTO messages (id, seq, sender, recipient, chain, hops, state, redelivered, failures, reason, created_at, updated_at)
     VALUES (?, ?, 'bob', 'ada', 1, 0, 'dead', 0, 5, ?, 0, 0)`,
  );
  message.run(1, 1, "R".repeat(1_900_000));
  message.run(2, 2, "the CLI crashed");
  old.close();

  const db = openDatabase(file);
  expect(db.prepare("SELECT agent, turn, message FROM turns ORDER BY agent, turn").raw().all()).toEqual([
    ["ada", 1, 0],
    ["ada", 2, 1],
    ["ada", 3, 3],
    ["ada", 4, 2],
    ["bob", 1, 4],
    ["eve", 1_000_000_000, 5],
  ]);
  expect(db.prepare("SELECT length(reason) FROM messages ORDER BY id").pluck().all()).toEqual([4096, 15]);
  db.close();
  rmSync(folder, { recursive: true, force: true });
});
