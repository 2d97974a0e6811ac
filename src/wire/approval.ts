import { z } from "zod";
import { MAX_CONFIG_BYTES, MAX_NOTE_CHARS } from "./limits.ts";
import { Id, Instant, Seq } from "./names.ts";
import { isInFlight, TERMINAL_STATES } from "./request-states.ts";

/** A full git object name. An approval pins an immutable object, never a name that can move. */
export const Sha = z.string().regex(/^[0-9a-f]{40}$/, "a commit is named by its full 40 hex digits, not by a branch or tag");
export type Sha = z.infer<typeof Sha>;

/** SHA-256 over (proposed tree, running tree): what the operator has reviewed. */
export const Digest = z.string().regex(/^[0-9a-f]{64}$/, "a digest has 64 hex digits");

/**
 * The life of a request, one state at a time:
 *
 *   pending ─► approved ─► building ─► waiting ─► activating ─► deployed | failed
 *   pending ─► denied | cancelled | failed
 *
 * The full table is in `request-states.ts`.
 */
export const RequestState = z.enum([
  "pending",
  "approved",
  "building",
  "waiting",
  "activating",
  "deployed",
  "failed",
  "denied",
  "cancelled",
]);
export type RequestState = z.infer<typeof RequestState>;

export const ApprovalKind = z.enum(["spawn", "apply_commit"]);
export type ApprovalKind = z.infer<typeof ApprovalKind>;

/** Where a request comes from. All but `request` and `proposal` are approved by their author at once. */
export const RequestOrigin = z.enum(["request", "proposal", "spawn", "first_start", "rollback", "update", "revive"]);
export type RequestOrigin = z.infer<typeof RequestOrigin>;

/** A part of a proposal that the operator should not miss. */
export const RiskMark = z.object({
  level: z.enum(["danger", "warn", "info"]),
  kind: z.enum([
    "egress",
    "mcp_server",
    "tools",
    "recipients",
    "mount",
    "secret",
    "credential",
    "env",
    "limits",
    "model",
    "mode",
    "symlink",
    "binary",
    "cut",
    "padding",
    "instructions",
    "bidi",
    "invisible",
    "nix",
    "cli",
    "repo",
    "protected",
    "submodule",
  ]),
  /** One line: `new egress host: export.arxiv.org`. */
  text: z.string(),
  path: z.string().optional(),
});
export type RiskMark = z.infer<typeof RiskMark>;

/**
 * One changed file. `patch` is its part of the unified diff, hunks only; absent for pure mode changes and where nothing
 * is shown. Bytes that are not text are written out. `isUnshown` tells whether a file is not shown whole.
 */
export const DiffFile = z.object({
  path: z.string(),
  old_path: z.string().optional(),
  status: z.enum(["added", "modified", "deleted", "renamed", "type_changed"]),
  /** Octal modes as git writes them: 100644, 100755, 120000. */
  old_mode: z.string().optional(),
  new_mode: z.string().optional(),
  /** True if the new content is not UTF-8 text without NUL. It is then not shown. */
  binary: z.boolean(),
  added: z.number().int(),
  removed: z.number().int(),
  patch: z.string().optional(),
  /** True if the patch was too long to send whole. */
  cut: z.boolean(),
  /** True for a file that this hive never reads: Nix code if no driver evaluates it. */
  ignored: z.boolean().optional(),
});
export type DiffFile = z.infer<typeof DiffFile>;

/** A request in full. An upsert by `id`. */
export const ApprovalView = z.object({
  id: Id,
  seq: Seq,
  agent: z.string(),
  kind: ApprovalKind,
  origin: RequestOrigin,
  state: RequestState,
  requested_by: z.string(),
  description: z.string().optional(),
  /** The requested commit; absent for a spawn that is not prepared yet. */
  sha: Sha.optional(),
  /** The commit that the change is against: while pending, what runs now; after the decision, what ran then. */
  base_sha: Sha.optional(),
  /** Binds an approval to what the operator reviewed; absent once the request has ended. */
  digest: Digest.optional(),
  requested_at: Instant,
  resolved_at: Instant.optional(),
  /** The principal that approved, denied or cancelled it. */
  resolved_by: z.string().optional(),
  /** The operator's note on a denial. */
  note: z.string().optional(),
  /** Why it failed: the build's own output. */
  error: z.string().optional(),
  risks: z.array(RiskMark),
  stat: z.object({ files: z.number().int(), added: z.number().int(), removed: z.number().int() }),
  /** The tag that records how it ended. */
  tag: z.string().optional(),
});
export type ApprovalView = z.infer<typeof ApprovalView>;

/** One row of the queue, fixed on host.sock: `approved` covers every state from there to deployed. */
export const ApprovalRow = z.object({
  id: Id,
  agent: z.string(),
  kind: ApprovalKind,
  commit_ref: z.string(),
  fetched_sha: z.string().optional(),
  requested_at: Instant,
  status: z.enum(["pending", "approved", "denied", "failed", "cancelled"]),
  resolved_at: Instant.optional(),
  note: z.string().optional(),
  description: z.string().optional(),
});
export type ApprovalRow = z.infer<typeof ApprovalRow>;

function statusOf(state: RequestState): ApprovalRow["status"] {
  return state === "deployed" || isInFlight(state) ? "approved" : (state as ApprovalRow["status"]);
}

/** The fixed row, from the view. Absent fields are omitted, never null. */
export function approvalRow(view: ApprovalView): ApprovalRow {
  const row: ApprovalRow = {
    id: view.id,
    agent: view.agent,
    kind: view.kind,
    commit_ref: view.sha ?? "",
    requested_at: view.requested_at,
    status: statusOf(view.state),
  };
  if (view.sha !== undefined) row.fetched_sha = view.sha;
  if (view.resolved_at !== undefined) row.resolved_at = view.resolved_at;
  const note = view.note ?? view.error;
  if (note !== undefined) row.note = note;
  if (view.description !== undefined) row.description = view.description;
  return row;
}

/** One file of a config tree on the wire. */
export const TreeFile = z.object({
  path: z.string().min(1).max(4096),
  mode: z.enum(["100644", "100755", "120000"]).default("100644"),
  /** Content in base64: config trees may contain any bytes. */
  base64: z.base64().max(Math.ceil(MAX_CONFIG_BYTES / 3) * 4 + 4),
});
export type TreeFile = z.infer<typeof TreeFile>;

/** A past deploy of one agent, which can be inspected and rolled back to. */
export const DeployRow = z.object({
  id: Id,
  state: z.enum(TERMINAL_STATES),
  sha: Sha.optional(),
  at: Instant,
  origin: RequestOrigin,
  by: z.string(),
  description: z.string().optional(),
  error: z.string().optional(),
  /** True for the deploy that runs now. */
  runs: z.boolean(),
});
export type DeployRow = z.infer<typeof DeployRow>;

/** One input that the deploy ledger locks. */
export const MetaInput = z.object({
  /** Path from the root: `hyperhive`, `agent-coder`, `agent-dmatrix/mcp-matrix`. */
  name: z.string(),
  rev: z.string().optional(),
  /** When the revision was made, if the lock records it. */
  modified_at: Instant.optional(),
  /** Agents that are rebuilt when the input is updated. */
  rebuilds: z.array(z.string()),
});
export type MetaInput = z.infer<typeof MetaInput>;

/** One line of the audit trail. */
export const AuditRow = z.object({
  seq: Seq,
  at: Instant,
  actor: z.string(),
  kind: z.string(),
  agent: z.string().optional(),
  reason: z.string().optional(),
  /** The request that it belongs to. */
  request: Id.optional(),
  sha: z.string().optional(),
  detail: z.record(z.string(), z.unknown()).optional(),
});
export type AuditRow = z.infer<typeof AuditRow>;

/** The checker's result for one invariant. */
export const CheckFinding = z.object({
  /** The invariant's number in docs/states.md. */
  invariant: z.number().int(),
  what: z.string(),
  ok: z.boolean(),
  /** The violations, each with its agent or request. */
  problems: z.array(z.string()),
  /** The number of things that were checked. */
  checked: z.number().int(),
});
export type CheckFinding = z.infer<typeof CheckFinding>;

export const DenyNote = z.string().max(MAX_NOTE_CHARS);
