import type { Sqlite } from "./database.ts";

/** Rows that are weighed or removed per step: well under a millisecond each, so no caller waits noticeably. */
const STEP_ROWS = 2_000;

/** Measures the room that an agent's turn events take and removes the oldest. Marks of turns always stay. */
export function eventRetentionQueries(db: Sqlite) {
  // `octet_length` reads only the head of a row, not the text.
  const weigh = db.prepare<[string, number, number], { bytes: number; oldest: number | null; rows: number }>(
    `SELECT coalesce(sum(octet_length(json)), 0) AS bytes, min(seq) AS oldest, count(*) AS rows
     FROM (SELECT seq, json FROM turn_events WHERE agent = ? AND seq < ? ORDER BY seq DESC LIMIT ?)`,
  );
  const remove = db.prepare<[string, number, number]>(
    `DELETE FROM turn_events WHERE seq IN (
       SELECT seq FROM turn_events WHERE agent = ? AND seq < ? AND type NOT IN ('turn_start', 'turn_end') ORDER BY seq LIMIT ?)`,
  );
  return {
    /** Bytes of the next events before `seq`, and the number to continue from; `next` is undefined after the oldest. */
    weigh(agent: string, before: number): { bytes: number; next: number | undefined } {
      const { bytes, oldest, rows } = weigh.get(agent, before, STEP_ROWS) ?? { bytes: 0, oldest: null, rows: 0 };
      return { bytes, next: rows < STEP_ROWS || oldest === null ? undefined : oldest };
    },
    /** Removes some of the oldest events before `seq`. `more` is true if there may be more. Only inside a write. */
    remove(agent: string, before: number): { removed: number; more: boolean } {
      const { changes } = remove.run(agent, before, STEP_ROWS);
      return { removed: changes, more: changes === STEP_ROWS };
    },
  };
}
