import { TEXT } from "./bound.ts";
import type { Sqlite } from "./database.ts";

export interface EgressRecord {
  agent: string;
  at: number;
  host: string;
  port: number;
  verdict: string;
  bytesIn: number;
  bytesOut: number;
  /** A call to an API door, as JSON. */
  call?: string | null;
}

export interface AuditRecord {
  at: number;
  actor: string;
  kind: string;
  agent?: string;
  reason?: string;
  /** The request that it belongs to. */
  request?: number;
  detail?: object;
}

/** A stored line of the audit trail. */
export interface AuditLine {
  seq: number;
  at: number;
  actor: string;
  kind: string;
  agent: string | null;
  reason: string | null;
  request: number | null;
  detail: string | null;
}

interface AuditQuery {
  agent?: string;
  request?: number;
  kind?: string;
  before: number;
  limit: number;
}

/** Connections and the audit trail: rows that are only added. */
export function ledgerQueries(db: Sqlite) {
  const connect = db.prepare<[string, number, string, number, string, number, number, string | null]>(
    "INSERT INTO egress (agent, at, host, port, verdict, bytes_in, bytes_out, call) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
  );
  const connections = db.prepare<[string, number, number], EgressRecord & { id: number }>(
    `SELECT id, agent, at, host, port, verdict, bytes_in AS bytesIn, bytes_out AS bytesOut, call FROM egress
     WHERE agent = ? AND id < ? ORDER BY id DESC LIMIT ?`,
  );
  const audit = db.prepare<[number, number, string, string, string | null, string | null, number | null, string | null]>(
    "INSERT INTO audit (seq, at, actor, kind, agent, reason, request, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
  );
  const audited = db.prepare<
    { agent: string | null; request: number | null; kind: string | null; before: number; limit: number },
    AuditLine
  >(
    `SELECT * FROM audit WHERE seq < @before AND (@agent IS NULL OR agent = @agent) AND (@request IS NULL OR request = @request)
       AND (@kind IS NULL OR kind = @kind) ORDER BY seq DESC LIMIT @limit`,
  );
  const auditedOf = db.prepare<{ agent: string; before: number; limit: number }, AuditLine>(
    "SELECT * FROM audit WHERE agent = @agent AND seq < @before ORDER BY seq DESC LIMIT @limit",
  );
  const auditedUnder = db.prepare<{ request: number; before: number; limit: number }, AuditLine>(
    "SELECT * FROM audit WHERE request = @request AND seq < @before ORDER BY seq DESC LIMIT @limit",
  );
  const nextOf = db.prepare<[string, number, string], { seq: number }>(
    "SELECT seq FROM audit WHERE agent = ? AND seq > ? AND kind = ? ORDER BY seq LIMIT 1",
  );
  // Asked some twenty times at the end of each turn.
  const newestOf = db
    .prepare<[string, string], number | null>(`SELECT max(seq) FROM audit WHERE agent = ${TEXT} AND kind = ${TEXT}`)
    .pluck();
  const trail = (query: AuditQuery): IterableIterator<AuditLine> => {
    const { agent, request, kind, before, limit } = query;
    if (request !== undefined && agent === undefined && kind === undefined)
      return auditedUnder.iterate({ request, before, limit });
    if (agent !== undefined && request === undefined && kind === undefined) return auditedOf.iterate({ agent, before, limit });
    return audited.iterate({ agent: agent ?? null, request: request ?? null, kind: kind ?? null, before, limit });
  };
  return {
    connect: (e: EgressRecord): void =>
      void connect.run(e.agent, e.at, e.host, e.port, e.verdict, e.bytesIn, e.bytesOut, e.call ?? null),
    /** Newest first. */
    connections: (agent: string, before: number, limit: number) => connections.all(agent, before, limit),
    audit: (seq: number, a: AuditRecord): void =>
      void audit.run(
        seq,
        a.at,
        a.actor,
        a.kind,
        a.agent ?? null,
        a.reason ?? null,
        a.request ?? null,
        a.detail ? JSON.stringify(a.detail) : null,
      ),
    /** The number of the next line of a kind about an agent. */
    nextOf: (agent: string, kind: string, after: number): number | undefined => nextOf.get(agent, after, kind)?.seq,
    /** The newest of these kinds about an agent. One look-up per kind, however long the trail. */
    newestKind(agent: string, kinds: readonly string[]): string | undefined {
      let newest: { kind: string; seq: number } | undefined;
      for (const kind of kinds) {
        const seq = newestOf.get(agent, kind) ?? 0;
        if (seq > (newest?.seq ?? 0)) newest = { kind, seq };
      }
      return newest?.kind;
    },
    /** The audit trail, newest first. A query for one agent or one request uses an index. */
    audited: (query: AuditQuery): AuditLine[] => [...trail(query)],
    /** The same, read one by one. */
    trail,
  };
}
