import type { Sqlite } from "./database.ts";

export interface SessionRow {
  id: number;
  hash: string;
  created_at: number;
  last_seen_at: number;
  user_agent: string;
  /** The name of the operator whose session it is. */
  operator: string;
}

/** Browser sessions: hashes, never secrets. */
export function sessionQueries(db: Sqlite) {
  const add = db.prepare<[string, number, number, string, string]>(
    "INSERT INTO sessions (hash, created_at, last_seen_at, user_agent, operator) VALUES (?, ?, ?, ?, ?)",
  );
  const live = db.prepare<[], SessionRow>(
    "SELECT id, hash, created_at, last_seen_at, user_agent, operator FROM sessions WHERE revoked_at IS NULL",
  );
  const seen = db.prepare<[number, number]>("UPDATE sessions SET last_seen_at = ? WHERE id = ?");
  const revoke = db.prepare<[number, number]>("UPDATE sessions SET revoked_at = ? WHERE id = ?");
  const revokeOf = db.prepare<[number, string]>("UPDATE sessions SET revoked_at = ? WHERE operator = ? AND revoked_at IS NULL");
  return {
    add: (hash: string, at: number, userAgent: string, operator: string): number =>
      Number(add.run(hash, at, at, userAgent, operator).lastInsertRowid),
    live: () => live.all(),
    seen: (id: number, at: number): void => void seen.run(at, id),
    revoke: (id: number, at: number): void => void revoke.run(at, id),
    revokeOf: (operator: string, at: number): void => void revokeOf.run(at, operator),
  };
}
