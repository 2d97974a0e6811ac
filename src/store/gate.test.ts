import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { gate } from "./gate.ts";

test("a statement that names the table of messages inserts deferred rows first, in whatever way it runs", () => {
  const db = new Database(":memory:");
  db.exec("CREATE TABLE messages (id INTEGER); CREATE TABLE message_words (id INTEGER)");
  let flushes = 0;
  const queries = gate(db, { flush: () => void flushes++ });
  const select = queries.prepare("SELECT id FROM Messages").pluck();
  const remove = queries.prepare("DELETE FROM messages");
  expect(flushes).toBe(0);
  expect([select.get(), select.all(), [...select.iterate()], remove.run().changes, flushes]).toEqual([undefined, [], [], 0, 4]);
  // Deferred rows are in one table alone.
  queries.prepare("SELECT id FROM message_words").all();
  expect(flushes).toBe(4);
  expect(queries.inTransaction).toBe(false);
  db.close();
});
