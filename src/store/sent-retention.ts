import type { Sqlite } from "./database.ts";

/** Messages that are weighed, or whose bodies are removed, per step: a few milliseconds of the thread. */
const STEP_ROWS = 1_000;

/** Measures the room that a principal's sent messages take and removes the oldest: first bodies, then rows. */
export function sentRetentionQueries(db: Sqlite) {
  const mine = "message_parties AS party CROSS JOIN messages ON messages.id = party.id WHERE party.who = @who AND sender = @who";
  // `octet_length` reads only the head of a row, not the body.
  const weigh = db.prepare<{ who: string; before: number }, { bytes: number; oldest: number | null; rows: number }>(
    `SELECT coalesce(sum(octet_length(body)), 0) AS bytes, min(id) AS oldest, count(*) AS rows
     FROM (SELECT messages.id, body FROM ${mine} AND party.id < @before ORDER BY party.id DESC LIMIT ${STEP_ROWS})`,
  );
  const old = db.prepare<{ who: string; before: number; after: number }, { id: number; gone: number }>(
    `SELECT messages.id, body IS NULL OR state NOT IN ('done', 'dropped') AS gone FROM ${mine}
     AND party.id > @after AND party.id < @before ORDER BY party.id LIMIT ${STEP_ROWS}`,
  );
  const forget = db.prepare<[number]>("DELETE FROM message_words WHERE rowid = ?");
  const empty = db.prepare<[number]>("UPDATE messages SET body = NULL WHERE id = ?");
  const settled = db.prepare<
    { who: string; before: number; after: number },
    { id: number; sender: string; recipient: string; isOver: number }
  >(
    `SELECT messages.id, sender, recipient, state IN ('done', 'dropped', 'dead') AS isOver FROM ${mine}
     AND party.id > @after AND party.id < @before ORDER BY party.id LIMIT ${STEP_ROWS}`,
  );
  const removeParties = db.prepare<[string, string, number]>("DELETE FROM message_parties WHERE who IN (?, ?) AND id = ?");
  const removeRow = db.prepare<[number]>("DELETE FROM messages WHERE id = ?");
  return {
    /**
     * Bytes and rows of the next messages before an id, and the id to continue from; `next` is undefined after the
     * oldest.
     */
    weigh(who: string, before: number): { bytes: number; rows: number; next: number | undefined } {
      const { bytes, oldest, rows } = weigh.get({ who, before }) ?? { bytes: 0, oldest: null, rows: 0 };
      return { bytes, rows, next: rows < STEP_ROWS || oldest === null ? undefined : oldest };
    },
    /**
     * Removes the bodies of delivered and dropped messages between two ids. Returns the id to continue from; undefined
     * at the end. Only inside a write.
     */
    forget(who: string, after: number, before: number): number | undefined {
      const rows = old.all({ who, after, before });
      for (const { id } of rows.filter(({ gone }) => gone === 0)) {
        forget.run(id);
        empty.run(id);
      }
      return rows.length < STEP_ROWS ? undefined : rows.at(-1)?.id;
    },
    /**
     * Removes ended messages between two ids entirely. Returns the id to continue from; undefined at the end. Only
     * inside a write.
     */
    remove(who: string, after: number, before: number): number | undefined {
      const rows = settled.all({ who, after, before });
      for (const { id, sender, recipient } of rows.filter(({ isOver }) => isOver === 1)) {
        forget.run(id);
        removeParties.run(sender, recipient, id);
        removeRow.run(id);
      }
      return rows.length < STEP_ROWS ? undefined : rows.at(-1)?.id;
    },
  };
}
