import { RequestState, type ApprovalKind, type RequestOrigin } from "../wire/approval.ts";
import { isTerminal, TERMINAL_STATES } from "../wire/request-states.ts";
import type { Sqlite } from "./database.ts";
import { rowsWithin } from "./rows-within.ts";

/** Id-mapped mounts by their path in the cage, each with the user and group of the host that own the folder. */
export type MountOwners = Record<string, { uid: number; gid: number }>;

/** The instructions of repositories with which a config was requested: a commit of the applied repository. */
export interface ProjectPin {
  sha: string;
  /** The commits at which they were read, by repository. */
  from: Record<string, string>;
}

/** A request as it is stored. The row is the authority; refs and tags are derived from it. */
export interface ApprovalRecord {
  id: number;
  seq: number;
  /** The agent's id; null until a spawn has created the agent. */
  agent: string | null;
  name: string;
  kind: ApprovalKind;
  origin: RequestOrigin;
  state: RequestState;
  /** `operator`, `operator/<name>`, `system`, or the name of the agent that made the request. */
  requested_by: string;
  description: string | null;
  sha: string;
  tree: string;
  /** What ran when the request was made. */
  base_sha: string | null;
  /** What ran when the request was decided; null while it is pending, and where nothing ran. */
  decided_base: string | null;
  /** What was approved: SHA-256 over (tree, tree that ran at the approval). */
  digest: string | null;
  /** The commit of the deploy ledger that this request is about to publish or has published. */
  candidate: string | null;
  /** The request whose generation ran before. */
  previous: number | null;
  /** The revision of hyperhive at the deploy. */
  hyperhive: string | null;
  requested_at: number;
  approved_at: number | null;
  building_at: number | null;
  resolved_at: number | null;
  resolved_by: string | null;
  note: string | null;
  error: string | null;
  /** JSON. */
  risks: string;
  /** JSON. */
  stat: string;
  /** JSON of `MountOwners`; null if no mount is id-mapped. */
  mount_owners: string | null;
  /** JSON of `ProjectPin`; null if the config follows no repository. */
  project: string | null;
  /** 1 if an operator was shown all Nix code of the commit: only that may be built. */
  nix_read: 0 | 1;
}

const NAMES: (keyof ApprovalRecord)[] = [
  "id",
  "seq",
  "agent",
  "name",
  "kind",
  "origin",
  "state",
  "requested_by",
  "description",
  "sha",
  "tree",
  "base_sha",
  "decided_base",
  "digest",
  "candidate",
  "previous",
  "hyperhive",
  "requested_at",
  "approved_at",
  "building_at",
  "resolved_at",
  "resolved_by",
  "note",
  "error",
  "risks",
  "stat",
  "mount_owners",
  "project",
  "nix_read",
];
const stateIn = (states: readonly RequestState[]): string => `state IN (${states.map((one) => `'${one}'`).join(", ")})`;
const OPEN = stateIn(RequestState.options.filter((one) => !isTerminal(one)));

const charsOf = ({ description, note, error, risks }: ApprovalRecord): number =>
  (description?.length ?? 0) + (note?.length ?? 0) + (error?.length ?? 0) + risks.length;

/** Queries on requests. */
export function approvalQueries(db: Sqlite) {
  const insert = db.prepare<ApprovalRecord>(
    `INSERT INTO approvals (${NAMES.join(", ")}) VALUES (${NAMES.map((name) => `@${name}`).join(", ")})`,
  );
  const update = db.prepare<ApprovalRecord>(
    `UPDATE approvals SET ${NAMES.filter((name) => name !== "id")
      .map((name) => `${name} = @${name}`)
      .join(", ")} WHERE id = @id`,
  );
  const byId = db.prepare<[number], ApprovalRecord>("SELECT * FROM approvals WHERE id = ?");
  const open = db.prepare<[], ApprovalRecord>(`SELECT * FROM approvals WHERE ${OPEN} ORDER BY id`);
  const openOf = db.prepare<[string], ApprovalRecord>(`SELECT * FROM approvals WHERE ${OPEN} AND name = ? ORDER BY id`);
  const newest = db.prepare<[number, number], ApprovalRecord>("SELECT * FROM approvals WHERE id < ? ORDER BY id DESC LIMIT ?");
  const newestOf = db.prepare<[string, number, number], ApprovalRecord>(
    "SELECT * FROM approvals WHERE name = ? AND id < ? ORDER BY id DESC LIMIT ?",
  );
  const settledOf = db.prepare<[string, number, number], ApprovalRecord>(
    `SELECT * FROM approvals WHERE name = ? AND id < ? AND ${stateIn(TERMINAL_STATES)} ORDER BY id DESC LIMIT ?`,
  );
  const deploysOf = db.prepare<[string, number, number], ApprovalRecord>(
    `SELECT * FROM approvals WHERE name = ? AND id < ? AND ${stateIn(TERMINAL_STATES)}
       AND NOT (state = 'failed' AND approved_at IS NULL) ORDER BY id DESC LIMIT ?`,
  );
  const undecided = db.prepare<[string], { n: number }>(
    `SELECT count(*) AS n FROM approvals WHERE requested_by = ? AND approved_at IS NULL
       AND (state = 'failed' OR state = 'cancelled' AND resolved_by = requested_by)
       AND id > coalesce((SELECT max(id) FROM approvals WHERE resolved_by = 'operator' OR resolved_by GLOB 'operator/*' OR approved_at IS NOT NULL), 0)`,
  );
  const seenWith = db.prepare<[string, string], Pick<ApprovalRecord, "mount_owners" | "project">>(
    "SELECT mount_owners, project FROM approvals WHERE name = ? AND sha = ? AND state = 'deployed' ORDER BY id DESC LIMIT 1",
  );
  const nixRead = db.prepare<[string, string], object>(
    "SELECT 1 FROM approvals WHERE name = ? AND sha = ? AND nix_read = 1 LIMIT 1",
  );
  const all = db.prepare<[], ApprovalRecord>("SELECT * FROM approvals ORDER BY id");
  const after = db.prepare<[number, number], ApprovalRecord>("SELECT * FROM approvals WHERE seq > ? ORDER BY seq LIMIT ?");
  return {
    insert: (row: ApprovalRecord): void => void insert.run(row),
    update: (row: ApprovalRecord): void => void update.run(row),
    byId: (id: number) => byId.get(id),
    /** Requests that have not ended, oldest first. */
    open: () => open.all(),
    openOf: (name: string) => openOf.all(name),
    /** Newest first, read one by one. */
    newest: (before: number, limit: number) => newest.iterate(before, limit),
    newestOf: (name: string, before: number, limit: number) => newestOf.iterate(name, before, limit),
    settledOf: (name: string, before: number, limit: number) => settledOf.all(name, before, limit),
    /** Settled requests without those that failed their check when they were made. */
    deploysOf: (name: string, before: number, limit: number) => deploysOf.iterate(name, before, limit),
    /**
     * Number of this agent's requests that ended without the operator (failed their check or cancelled by the agent)
     * since the newest request that the operator decided.
     */
    undecided: (by: string): number => undecided.get(by)?.n ?? 0,
    /** The id maps with which a commit was last deployed. */
    mountOwners: (name: string, sha: string): MountOwners => mountOwners(seenWith.get(name, sha)),
    /** The instructions of repositories with which a commit was last deployed. */
    project: (name: string, sha: string): ProjectPin | undefined => projectPin(seenWith.get(name, sha)),
    /** True if an operator was shown all Nix code of a commit of this agent. */
    isNixRead: (name: string, sha: string): boolean => nixRead.get(name, sha) !== undefined,
    /** Every request ever made; for the checker. */
    all: () => all.all(),
    /** Requests changed after a position, in the order of their changes; undefined if their text is over `chars`. */
    after: (seq: number, limit: number, chars: number) => rowsWithin(after.iterate(seq, limit), chars, charsOf),
  };
}

/** The id maps that a request was approved with. */
export function mountOwners(row: Pick<ApprovalRecord, "mount_owners"> | undefined): MountOwners {
  return row?.mount_owners ? (JSON.parse(row.mount_owners) as MountOwners) : {};
}

/** The instructions of repositories with which a request was made. */
export function projectPin(row: Pick<ApprovalRecord, "project"> | undefined): ProjectPin | undefined {
  return row?.project ? (JSON.parse(row.project) as ProjectPin) : undefined;
}
