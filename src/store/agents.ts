import type { AgentRole } from "../wire/agent.ts";
import type { Sqlite } from "./database.ts";

/** The host user and group of an agent's processes. The driver creates the identity; it is stored and never reused. */
export interface StoredIdentity {
  kind: "host-uid" | "user-namespace";
  uid: number;
  gid: number;
}

/** An agent as it is stored. Its id is permanent; its name is an alias. */
export interface AgentRecord {
  id: string;
  /** Counts all agents ever created. Uids derive from it. */
  ordinal: number;
  name: string;
  role: AgentRole;
  desired: "running" | "stopped";
  paused: boolean;
  generation: number;
  identity: StoredIdentity;
  modelOverride?: string | undefined;
  sessionId?: string | undefined;
  statusText?: string | undefined;
  statusSetAt?: string | undefined;
  createdAt: string;
  destroyedAt?: string | undefined;
  purgedAt?: string | undefined;
  /** The port of the agent's own page; assigned once and kept. */
  port?: number | undefined;
  /** The running commit; absent until the first successful deploy. */
  deployedSha?: string | undefined;
  /** The request that deployed it. */
  deployedRequest?: number | undefined;
  /** The revision of hyperhive at that deploy. */
  hyperhive?: string | undefined;
}

const COLUMNS: Record<keyof AgentRecord, string> = {
  id: "id",
  ordinal: "ordinal",
  name: "name",
  role: "role",
  desired: "desired",
  paused: "paused",
  generation: "generation",
  identity: "identity",
  modelOverride: "model_override",
  sessionId: "session_id",
  statusText: "status_text",
  statusSetAt: "status_set_at",
  createdAt: "created_at",
  destroyedAt: "destroyed_at",
  purgedAt: "purged_at",
  port: "port",
  deployedSha: "deployed_sha",
  deployedRequest: "deployed_request",
  hyperhive: "hyperhive",
};
const FIELDS = Object.keys(COLUMNS) as (keyof AgentRecord)[];

function toColumn(field: keyof AgentRecord, record: Partial<AgentRecord>): string | number | null {
  const value = record[field];
  if (value === undefined) return null;
  if (typeof value === "boolean") return Number(value);
  return typeof value === "object" ? JSON.stringify(value) : value;
}

type Row = Record<string, string | number | null>;

function fromRow(row: Row): AgentRecord {
  const record: Record<string, unknown> = {};
  for (const field of FIELDS) {
    const value = row[COLUMNS[field]];
    if (value === null || value === undefined) continue;
    if (field === "paused") record[field] = value === 1;
    else record[field] = field === "identity" ? JSON.parse(String(value)) : value;
  }
  return record as unknown as AgentRecord;
}

/** Agents have few rows that are rarely written, so an update is built from the given fields. */
export function agentQueries(db: Sqlite) {
  const all = db.prepare<[], Row>("SELECT * FROM agents WHERE purged_at IS NULL ORDER BY ordinal");
  const next = db.prepare<[], { n: number }>("SELECT coalesce(max(ordinal), 0) + 1 AS n FROM agents");
  const names = db.prepare<[], { id: string; name: string }>("SELECT id, name FROM agents");
  const insert = db.prepare(
    `INSERT INTO agents (${FIELDS.map((field) => COLUMNS[field]).join(", ")}) VALUES (${FIELDS.map(() => "?").join(", ")})`,
  );
  return {
    all: (): AgentRecord[] => all.all().map(fromRow),
    /** Names by id, including purged agents, so that old messages still show their sender. */
    names: (): { id: string; name: string }[] => names.all(),
    /**
     * Stores the record that `make` creates for the next ordinal. Both happen in one write, so no two agents share an
     * ordinal.
     */
    insert(make: (ordinal: number) => AgentRecord): AgentRecord {
      const record = make(next.get()?.n ?? 1);
      insert.run(FIELDS.map((field) => toColumn(field, record)));
      return record;
    },
    update(id: string, patch: Partial<AgentRecord>): void {
      const fields = FIELDS.filter((field) => field in patch);
      if (fields.length === 0) return;
      const sets = fields.map((field) => `${COLUMNS[field]} = ?`).join(", ");
      db.prepare(`UPDATE agents SET ${sets} WHERE id = ?`).run(...fields.map((field) => toColumn(field, patch)), id);
    },
  };
}
