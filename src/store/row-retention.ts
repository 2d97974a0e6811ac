import type { Sqlite } from "./database.ts";

/** Rows removed per step: well under a millisecond, so no caller waits noticeably. */
const STEP_ROWS = 2_000;

/** Rows of one agent of which only the newest are kept. */
export interface KeptRows {
  /** The key of the newest row to remove, past the `keep` newest; undefined if there are none. */
  cut(agent: string, keep: number): number | undefined;
  /** Removes some rows up to and including a cut. True if there may be more. Only inside a write. */
  remove(agent: string, cut: number): boolean;
}

/**
 * The tables that an agent adds rows to: its turns, their marks among the events, its connections, its closed
 * questions, and the audit trail, which identifies agents by name. Audit lines of requests are kept with the requests.
 */
export function rowRetentionQueries(db: Sqlite): Record<"turns" | "marks" | "connections" | "questions" | "trail", KeptRows> {
  const kept = (table: string, key: string, from: string): KeptRows => {
    const cut = db.prepare<[string, number], { at: number }>(
      `SELECT ${key} AS at FROM ${from} agent = ? ORDER BY ${key} DESC LIMIT 1 OFFSET ?`,
    );
    const remove = db.prepare<[string, number]>(
      `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${from} agent = ? AND ${key} <= ? ORDER BY ${key} LIMIT ${STEP_ROWS})`,
    );
    return {
      cut: (agent, keep) => cut.get(agent, keep)?.at,
      remove: (agent, at) => remove.run(agent, at).changes === STEP_ROWS,
    };
  };
  return {
    turns: kept("turns", "turn", "turns WHERE"),
    marks: kept("turn_events", "seq", "turn_events INDEXED BY turn_marks WHERE type IN ('turn_start', 'turn_end') AND"),
    connections: kept("egress", "id", "egress WHERE"),
    questions: kept("questions", "id", "questions INDEXED BY questions_closed WHERE state <> 'open' AND"),
    trail: kept("audit", "seq", "audit INDEXED BY audit_trail WHERE request IS NULL AND"),
  };
}
