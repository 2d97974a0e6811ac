import type { AgentRole } from "../wire/agent.ts";
import type { Sqlite } from "./database.ts";

/** Who an agent's processes are on the host; made by the driver, stored, never reused. */
export interface StoredIdentity {
  kind: "host-uid" | "user-namespace";
  uid: number;
  gid: number;
}

/** An agent as it is remembered. Its id is for ever; its name is an alias. */
export interface AgentRecord {
  id: string;
  /** Counts agents of all time: uids come from it. */
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
  /** Where its own page is served; given once and kept. */
  port?: number | undefined;
  /** The commit that runs; absent until the first deploy has succeeded. */
  deployedSha?: string | undefined;
  /** The request that brought it. */
  deployedRequest?: number | undefined;
  /** Revision of hyperhive that it was deployed with. */
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

/** Agents: few rows, written rarely, so an update is built from the fields it names. */
export function agentQueries(db: Sqlite) {
  const all = db.prepare<[], Row>("SELECT * FROM agents WHERE purged_at IS NULL ORDER BY ordinal");
  const next = db.prepare<[], { n: number }>("SELECT coalesce(max(ordinal), 0) + 1 AS n FROM agents");
  const names = db.prepare<[], { id: string; name: string }>("SELECT id, name FROM agents");
  const insert = db.prepare(
    `INSERT INTO agents (${FIELDS.map((field) => COLUMNS[field]).join(", ")}) VALUES (${FIELDS.map(() => "?").join(", ")})`,
  );
  return {
    all: (): AgentRecord[] => all.all().map(fromRow),
    /** Names by id, of purged agents too: old messages still say who. */
    names: (): { id: string; name: string }[] => names.all(),
    /** Stores what `make` makes of the next ordinal; both in the one write, so no two agents get the same. */
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
