import { z } from "zod";
import {
  ApprovalRow,
  ApprovalView,
  AuditRow,
  CheckFinding,
  DenyNote,
  DeployRow,
  DiffFile,
  Digest,
  MetaInput,
  RiskMark,
  Sha,
  TreeFile,
} from "./approval.ts";
import { Repos } from "./config-repos.ts";
import { MAX_CONFIG_FILES, MAX_PATH_CHARS } from "./limits.ts";
import { AgentName, Id, NewAgentName } from "./names.ts";
import { agentOnly, note, nothing, page, pageEnd, PerAgent, Scope, type Operation } from "./operation.ts";

/** The reason for a decision. Stored with the request and in the audit trail. */
const why = { note: DenyNote.optional() };
/** For operations that queue rebuilds: answer after all have ended, with the result of each. */
const settled = { wait: z.boolean().default(false) };

/** A proposal that was checked. With `refused` it failed at once and never reaches the operator. */
const asked = z.object({
  request: Id,
  refused: z.string().optional(),
  /** What an operator should not miss in it, worst first; of a refused one nothing. */
  risks: z.array(RiskMark),
});

/**
 * The base of a diff: `decision` (what runs now while the request is pending; after the decision, what ran then),
 * `running` (what runs now), `requested` (what ran when the request was made), `parent`, or a commit.
 */
export const NamedBase = z.enum(["decision", "running", "requested", "parent"]);
const Base = NamedBase.or(Sha).default("decision");

/** The operations for requests, approvals and deploys. */
export const approvalOperations = {
  pending: {
    summary: "The approval queue: what waits, and what is on its way.",
    callers: ["operator"],
    input: nothing,
    output: z.object({ approvals: z.array(ApprovalRow) }),
  },
  approvals: {
    summary: "Requests with all that is known of them, newest first; of one agent, or only what is not settled.",
    callers: ["operator"],
    input: z.object({ ...page, agent: AgentName.optional(), before: Id.optional(), open: z.boolean().optional() }),
    output: z.object({ approvals: z.array(ApprovalView), ...pageEnd }),
  },
  show: {
    summary: "One request with its whole diff: against what runs, or once it is decided, against what ran then.",
    callers: ["operator"],
    input: z.object({ id: Id, base: Base }),
    output: z.object({
      approval: ApprovalView,
      /** The commit that the diff starts from; absent if everything is new. */
      base_sha: Sha.optional(),
      /** Files that decide what the agent is instructed or allowed to do come first. */
      files: z.array(DiffFile),
      /** True if a file is truncated. */
      cut: z.boolean(),
    }),
  },
  show_file: {
    summary:
      "The whole patch of one file of a request, in parts: also what `show` cuts, and bytes that are not text, written out.",
    callers: ["operator"],
    input: z.object({
      id: Id,
      base: Base,
      path: z.string().min(1).max(MAX_PATH_CHARS),
      /** Offset into the patch: characters that the caller already has. */
      after: z.number().int().min(0).default(0),
    }),
    output: z.object({
      text: z.string(),
      /** `after` for the next part; absent with the last part. */
      next: z.number().int().optional(),
    }),
  },
  approve: {
    summary: "Approve a request. Answers once it is approved; the deploy is followed by events.",
    callers: ["operator"],
    input: z.object({
      id: Id,
      sha: Sha.optional(),
      digest: Digest.optional(),
      /** The files that `show` does not show whole as text. Approval is refused unless it names each of them. */
      unshown: z.array(z.string().min(1).max(MAX_PATH_CHARS)).max(MAX_CONFIG_FILES).optional(),
      ...why,
    }),
    output: z.object({ approval: ApprovalView }),
  },
  deny: {
    summary: "Deny a request, with a note for the agent that asked.",
    callers: ["operator"],
    input: z.object({ id: Id, ...why }),
    output: z.object({ approval: ApprovalView }),
  },
  cancel_request: {
    summary: "Cancel a request that is not approved yet, or the build of one that is. The manager cancels only its own.",
    callers: ["operator", "manager"],
    // Not `id`: on an agent's socket that is the number of the call.
    input: z.object({ request: Id, ...why }),
    output: z.object({ approval: ApprovalView }),
  },
  build_log: {
    summary: "The last lines of the log of a request's build; or what comes after a position, as soon as there is something.",
    callers: ["operator"],
    input: z.object({
      id: Id,
      lines: z.number().int().min(1).max(5000).default(200),
      /** A position of an earlier answer. Waits up to half a minute until the log has more. */
      after: z.number().int().min(0).optional(),
    }),
    output: z.object({ lines: z.array(z.string()), position: z.number().int() }),
  },
  request_spawn: {
    summary: "Request a new agent. It is created when the operator approves.",
    callers: ["operator", "manager"],
    takesIn: true,
    input: z.object({ name: NewAgentName, description: note.optional(), repos: Repos.optional(), ...why }),
    output: z.object({ request: Id, risks: z.array(RiskMark) }),
  },
  request_apply_commit: {
    summary: "Request the deploy of a commit of an agent's proposed config. A full commit name, never a branch.",
    callers: ["manager"],
    takesIn: true,
    input: z.object({ agent: AgentName, commit: Sha, description: note.optional() }),
    output: asked,
  },
  propose: {
    summary: "The operator's own proposal: a commit of the proposed repo, or a whole config tree.",
    callers: ["operator"],
    takesIn: true,
    input: z
      .object({
        agent: AgentName,
        commit: Sha.optional(),
        files: z.array(TreeFile).min(1).max(MAX_CONFIG_FILES).optional(),
        description: note.optional(),
        ...why,
      })
      .refine((input) => (input.commit === undefined) !== (input.files === undefined), "give a commit or files, not both"),
    output: asked,
  },
  rollback: {
    summary: "Go back to an earlier deploy. It is a deploy with an id of its own.",
    callers: ["operator"],
    takesIn: true,
    input: z.object({ agent: AgentName, id: Id, ...why }),
    output: z.object({ request: Id }),
  },
  rebuild: {
    summary: "Deploy what is locked once more, with the current hyperhive. It is a deploy with an id of its own.",
    callers: ["operator"],
    takesIn: true,
    input: agentOnly.extend(why),
    output: z.object({ request: Id }),
  },
  update: {
    summary:
      "Rebuild the agents of a scope whose hyperhive or config is stale, one at a time, between turns. Answers once they are queued, with wait once they are settled.",
    callers: ["operator", "manager"],
    takesIn: true,
    input: z.object({ scope: Scope, ...why, ...settled }),
    output: PerAgent,
  },
  deploy_force: {
    summary: "Do not wait for the running turn: it is stopped, its message goes back, and the deploy goes on.",
    callers: ["operator"],
    input: z.object({ id: Id }),
    output: z.object({ approval: ApprovalView }),
  },
  deploys: {
    summary: "How an agent's requests ended, newest first, without those that failed their check when they were made.",
    callers: ["operator"],
    input: z.object({ ...page, agent: AgentName, before: Id.optional() }),
    output: z.object({ deploys: z.array(DeployRow), ...pageEnd }),
  },
  meta: {
    summary: "What the deploy ledger locks, down to the second level.",
    callers: ["operator"],
    input: nothing,
    output: z.object({ head: z.string().optional(), inputs: z.array(MetaInput) }),
  },
  meta_update: {
    summary:
      "Lock inputs anew, and rebuild who depends on them, one at a time. Answers once they are queued, with wait once they are settled.",
    callers: ["operator"],
    input: z.object({ inputs: z.array(z.string().min(1).max(256)).min(1).max(100), ...why, ...settled }),
    output: PerAgent,
  },
  audit: {
    summary: "Who did what: newest first, of one agent, one request or one kind.",
    callers: ["operator"],
    input: z.object({
      ...page,
      agent: AgentName.optional(),
      request: Id.optional(),
      kind: z.string().max(64).optional(),
      before: Id.optional(),
    }),
    output: z.object({ entries: z.array(AuditRow), ...pageEnd }),
  },
  check: {
    summary: "Check the invariants of deploys and changes on the running hive.",
    callers: ["operator"],
    input: z.object({
      /** Compare all merges with what was shown, not only the newest. */
      all: z.boolean().default(false),
    }),
    // Not `ok`: in an answer that says whether the call was refused.
    output: z.object({ holds: z.boolean(), findings: z.array(CheckFinding) }),
  },
} as const satisfies Record<string, Operation>;
