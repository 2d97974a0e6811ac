import type { Sqlite } from "./database.ts";

/** One metered answer of the model. */
export interface UsageRecord {
  agent: string;
  /** Day in UTC, `2026-11-24`. */
  day: string;
  model: string;
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  costUsd: number;
}

export interface EgressRecord {
  agent: string;
  at: number;
  host: string;
  port: number;
  verdict: string;
  bytesIn: number;
  bytesOut: number;
}

export interface AuditRecord {
  at: number;
  actor: string;
  kind: string;
  agent?: string;
  reason?: string;
  detail?: object;
}

/** What was used, connected to and done: rows that are only ever added to. */
export function ledgerQueries(db: Sqlite) {
  const use = db.prepare<[string, string, string, number, number, number, number, number]>(
    `INSERT INTO usage (agent, day, model, requests, input, output, cache_read, cache_write, cost_usd) VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?)
     ON CONFLICT (day, agent, model) DO UPDATE SET requests = requests + 1, input = input + excluded.input, output = output + excluded.output,
       cache_read = cache_read + excluded.cache_read, cache_write = cache_write + excluded.cache_write, cost_usd = cost_usd + excluded.cost_usd`,
  );
  const usedOn = db.prepare<[string], { agent: string; tokens: number; cost: number }>(
    "SELECT agent, sum(input + output + cache_read + cache_write) AS tokens, sum(cost_usd) AS cost FROM usage WHERE day = ? GROUP BY agent",
  );
  const connect = db.prepare<[string, number, string, number, string, number, number]>(
    "INSERT INTO egress (agent, at, host, port, verdict, bytes_in, bytes_out) VALUES (?, ?, ?, ?, ?, ?, ?)",
  );
  const connections = db.prepare<[string, number, number], EgressRecord & { id: number }>(
    `SELECT id, agent, at, host, port, verdict, bytes_in AS bytesIn, bytes_out AS bytesOut FROM egress
     WHERE agent = ? AND id < ? ORDER BY id DESC LIMIT ?`,
  );
  const audit = db.prepare<[number, number, string, string, string | null, string | null, string | null]>(
    "INSERT INTO audit (seq, at, actor, kind, agent, reason, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
  );
  return {
    use: (u: UsageRecord): void => void use.run(u.agent, u.day, u.model, u.input, u.output, u.cacheRead, u.cacheWrite, u.costUsd),
    usedOn: (day: string) => usedOn.all(day),
    connect: (e: EgressRecord): void => void connect.run(e.agent, e.at, e.host, e.port, e.verdict, e.bytesIn, e.bytesOut),
    /** Newest first. */
    connections: (agent: string, before: number, limit: number) => connections.all(agent, before, limit),
    audit: (seq: number, a: AuditRecord): void =>
      void audit.run(seq, a.at, a.actor, a.kind, a.agent ?? null, a.reason ?? null, a.detail ? JSON.stringify(a.detail) : null),
  };
}
