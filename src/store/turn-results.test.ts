import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import { MIGRATIONS } from "./schema.ts";

/** The last schema in which a turn was either `ok` or not. */
const BEFORE_RESULTS = MIGRATIONS.findIndex((sql) => sql.includes("ADD COLUMN result"));

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "turns-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("turns of an older database get a result from their reason, and a running one has none", () => {
  const file = join(folder, "hive.db");
  const old = new Database(file);
  for (const sql of MIGRATIONS.slice(0, BEFORE_RESULTS)) old.exec(sql);
  old.pragma(`user_version = ${BEFORE_RESULTS}`);
  const ends: [number, string][] = [
    [1, "completed"],
    [0, "cancelled"],
    [0, "cancelled, the message goes back"],
    [0, "529 overloaded"],
  ];
  ends.forEach(([ok, reason], turn) => {
    old.prepare("INSERT INTO turns VALUES ('a', ?, 1, 0, 1, ?, ?, 1, 1, NULL)").run(turn, ok, reason);
    const json = JSON.stringify({ type: "turn_end", turn, ok: ok === 1, reason });
    old.prepare("INSERT INTO turn_events (seq, agent, at, type, json) VALUES (?, 'a', 0, 'turn_end', ?)").run(turn + 1, json);
  });
  // Only the newest open turn can still run: the harness of the other has gone.
  for (const turn of [8, 9]) old.prepare("INSERT INTO turns (agent, turn, started_at) VALUES ('a', ?, 0)").run(turn);
  old.prepare("INSERT INTO spools VALUES ('a', 'i1', 1), ('a', 'i2', 1)").run();
  old.close();

  const db = openDatabase(file);
  const results = ["ok", "cancelled", "cancelled", "failed"];
  expect(db.prepare("SELECT result FROM turns ORDER BY turn").pluck().all()).toEqual([...results, "interrupted", null]);
  expect(db.prepare("SELECT instance FROM turns WHERE ended_at IS NULL").pluck().all()).toEqual(["i2"]);
  const events = db.prepare<[], string>("SELECT json FROM turn_events ORDER BY seq").pluck().all();
  expect(events.map((json) => JSON.parse(json) as unknown)).toMatchObject(
    results.map((result, turn) => ({ turn, result, ok: turn === 0 })),
  );
  db.close();
});
