import { z } from "zod";
import { Digest, DiffFile, Sha } from "./approval.ts";
import { DivergenceView, Reconciliation } from "./divergence.ts";
import { IncludeContent, IncludePath, IncludeView } from "./include.ts";
import { MAX_PATH_CHARS } from "./limits.ts";
import { AgentName, Id, Instant } from "./names.ts";
import { HostKey, RemoteAddress, RemoteAuthority, RemoteKey, RemoteToken } from "./remote.ts";
import { nothing, page, pageEnd, type Operation } from "./operation.ts";
import {
  AgentBranch,
  BranchName,
  ChangeView,
  CommentPlace,
  CommentView,
  LeftOut,
  MAX_CHANGE_BODY_CHARS,
  MAX_CHANGE_FILES,
  MAX_COMMENT_CHARS,
  MAX_COMMENTS,
  MAX_TITLE_CHARS,
  RepoName,
  RepoSettings,
  RepoView,
  WorkNote,
  WorkspaceView,
} from "./work.ts";

const oneRepo = z.object({ name: RepoName });
const oneAgent = z.object({ name: AgentName });
const oneChange = z.object({ change: Id });
const Nonce = z.string().regex(/^[0-9a-f]{32}$/, "a nonce has 32 hex digits");
const Amount = z.object({ objects: z.number().int(), bytes: z.number().int() });
const why = { note: WorkNote.optional() };
const settings = RepoSettings.partial();

/** A change as an agent sees it. */
const ChangeRow = ChangeView.pick({
  id: true,
  repo: true,
  agent: true,
  branch: true,
  base: true,
  round: true,
  state: true,
  title: true,
  sha: true,
  reason: true,
  note: true,
  early_check: true,
});

/** The start of a change's diff: its merge base, the tip of its base now, or the commit of its last reviewed round. */
export const ChangeBase = z.enum(["merge_base", "base_tip", "last_reviewed"]);

/** The operations on repositories and changes. A change is named by `change`: `id` is the number of a socket's call. */
export const workOperations = {
  // ── repositories ──────────────────────────────────────────────────────────────────────────────────────────
  repos: {
    summary: "The repositories of the hive, with their bases, agents and merge queues.",
    callers: ["operator"],
    /** Only those whose names come after this one. */
    input: z.object({ after: RepoName.optional() }),
    output: z.object({
      repos: z.array(RepoView),
      /** True if there are more: ask again with `after` the last name. */
      more: z.boolean().optional(),
    }),
  },
  repo: {
    summary: "One repository with the branches of its agents.",
    callers: ["operator"],
    /** Only the branches that come after this one. */
    input: oneRepo.extend({ after: z.object({ agent: z.string().max(32), branch: BranchName }).optional() }),
    output: z.object({
      repo: RepoView,
      /** In the order of their agents and names. */
      branches: z.array(AgentBranch),
      /** True if there are more branches: ask again with `after` the last one. */
      more: z.boolean().optional(),
    }),
  },
  repo_create: {
    summary: "Create an empty repository that has no upstream.",
    callers: ["operator"],
    takesIn: true,
    input: oneRepo.extend(settings.shape),
    output: z.object({ repo: RepoView }),
  },
  repo_add: {
    summary: "Add a repository from a folder of the host, and follow it. Tells how far it is, and at the end the repository.",
    callers: ["operator"],
    takesIn: true,
    // Served on host.sock only: a page must not name folders of the host.
    stream: true,
    input: oneRepo.extend({
      /** The git folder, as `git rev-parse --absolute-git-dir` prints it. */
      folder: z.string().min(1).max(MAX_PATH_CHARS),
      /** The content of `hive-export` in that folder, which the caller wrote: proof that its owner exports it. */
      nonce: Nonce,
      ...settings.shape,
    }),
    output: z.object({ progress: z.string().optional(), repo: RepoView.optional() }),
  },
  repo_add_remote: {
    summary:
      "Add a repository from another host, over https or ssh, and follow it. Tells how far it is, and at the end the repository.",
    callers: ["operator"],
    takesIn: true,
    stream: true,
    onPages: true,
    input: oneRepo.extend({
      address: RemoteAddress,
      /** Kept by the daemon, and sent to this host only. */
      token: RemoteToken.optional(),
      /** For pull requests, if they need another one. Kept and sent likewise. */
      forge_token: RemoteToken.optional(),
      /** The host has a private address: it is resolved now, and no other address is connected to. */
      private: z.boolean().default(false),
      /** Certificates of an authority that is trusted for this repository besides those of the system. */
      ca: RemoteAuthority.optional(),
      /** For ssh: the key of the host that the operator has confirmed. No other one is connected to. */
      host_key: HostKey.optional(),
      /** For ssh: a private key, kept by the daemon. */
      key: RemoteKey.optional(),
      /** For ssh: the key of `repo_new_key`. */
      own_key: z.boolean().optional(),
      ...settings.shape,
    }),
    output: z.object({ progress: z.string().optional(), repo: RepoView.optional() }),
  },
  repo_login: {
    summary:
      "Give a repository that follows another host a token, or a private key for ssh, which replaces the one it has. Without either: remove it.",
    callers: ["operator"],
    input: oneRepo.extend({
      token: RemoteToken.optional(),
      key: RemoteKey.optional(),
      /** It is a token for pull requests only: for the API of the host, in place of the token of the pushes. */
      forge: z.boolean().default(false),
    }),
    output: z.object({ repo: RepoView }),
  },
  repo_new_key: {
    summary: "Make a key for an ssh address that is to be added under a name, and tell its public half. Idempotent.",
    callers: ["operator"],
    input: oneRepo.extend({ address: RemoteAddress }),
    output: z.object({ public_key: z.string() }),
  },
  repo_host_key: {
    summary: "The host key that the host of an ssh address, or of a repository, shows now. It is not compared with anything yet.",
    callers: ["operator"],
    /** An address or a repository. A fingerprint picks the key that has it, if the host has several. */
    input: z.object({
      address: RemoteAddress.optional(),
      private: z.boolean().default(false),
      name: RepoName.optional(),
      fingerprint: HostKey.shape.fingerprint.optional(),
    }),
    output: z.object({
      key: HostKey,
      /** The one that was confirmed for the repository. */
      known: HostKey.optional(),
    }),
  },
  repo_trust: {
    summary: "Confirm another host key for the host that a repository follows over ssh.",
    callers: ["operator"],
    input: oneRepo.extend({ host_key: HostKey }),
    output: z.object({ repo: RepoView }),
  },
  repo_fetch: {
    summary: "Fetch from what a repository follows, and move its bases forward.",
    callers: ["operator"],
    takesIn: true,
    /** A nonce replaces that of `repo_add`, if `hive-export` has it: its owner has exported the folder again. */
    input: oneRepo.extend({ nonce: Nonce.optional() }),
    output: z.object({
      repo: RepoView,
      /** Bases that moved. */
      moved: z.array(z.object({ base: z.string(), from: Sha.optional(), to: Sha })),
      /** Bases with commits on both sides. Their queues stop until the operator decides. */
      diverged: z.array(z.string()),
      /** Branches that the upstream no longer has. Their changes are stale. */
      gone: z.array(z.string()),
    }),
  },
  repo_divergence: {
    summary: "What the hive and the upstream of a diverged base each have, as last fetched, and what a reset undoes.",
    callers: ["operator"],
    input: oneRepo.extend({ base: BranchName.optional() }),
    output: DivergenceView,
  },
  repo_reconcile: {
    summary: "Fetch, then bring a diverged base together with its upstream: by a merge, by a reset, or by undoing a reset.",
    callers: ["operator"],
    takesIn: true,
    input: oneRepo.extend({
      base: BranchName.optional(),
      by: Reconciliation,
      /** The two tips that the operator has seen. A reset names them, and is refused if they have moved. */
      ours: Sha.optional(),
      upstream: Sha.optional(),
    }),
    output: z.object({
      repo: RepoView,
      base: z.string(),
      from: Sha,
      to: Sha,
      /** The ref that keeps the tip which a reset has replaced. */
      kept: z.string().optional(),
    }),
  },
  repo_push: {
    summary:
      "Write a base to what its repository follows: to the branch `hive/<base>` of a folder, or to the base of another host. Refused while pushing is off.",
    callers: ["operator"],
    takesIn: true,
    input: oneRepo.extend({ base: BranchName.optional() }),
    output: z.object({ repo: RepoView, base: z.string(), sha: Sha, branch: z.string() }),
  },
  repo_set: {
    summary: "Change the settings of a repository.",
    callers: ["operator"],
    input: oneRepo.extend(settings.shape),
    output: z.object({ repo: RepoView }),
  },
  repo_remove: {
    summary: "Remove a repository with its changes. Refused while an agent's config names it.",
    callers: ["operator"],
    input: oneRepo,
    output: nothing,
  },
  repo_gc: {
    summary:
      "Remove the objects of a repository that nothing needs. Its agents and queues stop meanwhile: running turns and merges end first.",
    callers: ["operator"],
    input: oneRepo.extend({
      /** End running turns and merges at once. Their messages return, and the changes go back into their queue. */
      now: z.boolean().default(false),
      /** Only say what would be removed. Stops nothing. */
      dry_run: z.boolean().default(false),
    }),
    output: z.object({
      before: Amount,
      /** Estimated for a dry run. */
      after: Amount,
      /** Branches of agents that go, as `<agent>/<branch>`: last pushed more than 30 days ago, and in no open change. */
      branches: z.array(z.string()),
      /** Agents that were stopped and started again. */
      stopped: z.array(z.string()),
    }),
  },
  repo_includes: {
    summary: "The files that are copied into each fresh workspace of a repository, without their contents.",
    callers: ["operator"],
    input: oneRepo,
    output: z.object({ files: z.array(IncludeView) }),
  },
  repo_include: {
    summary: "Keep a file that is copied into each fresh workspace of a repository. Replaces the one at the same path.",
    callers: ["operator"],
    takesIn: true,
    input: oneRepo.extend({ path: IncludePath, content: IncludeContent, executable: z.boolean().default(false) }),
    output: z.object({ file: IncludeView }),
  },
  repo_include_remove: {
    summary: "Remove a file from those that are copied into fresh workspaces. Workspaces keep their copies.",
    callers: ["operator"],
    input: oneRepo.extend({ path: IncludePath }),
    output: nothing,
  },
  repo_token: {
    summary: "A token of ten minutes with which the operator's git reads and writes a repository over HTTP.",
    callers: ["operator"],
    input: oneRepo,
    output: z.object({ url: z.string(), token: z.string(), expires_at: Instant }),
  },

  workspaces: {
    summary: "The workspaces that agents have on disk, also those of repositories that their configs do not name any more.",
    callers: ["operator"],
    /** Of one agent, or of all. */
    input: z.object({ name: AgentName.optional() }),
    output: z.object({ workspaces: z.array(WorkspaceView) }),
  },
  workspace_diff: {
    summary: "What an agent has changed in its workspace since it parted from its base, committed or not.",
    callers: ["operator"],
    input: z.object({ name: AgentName, repo: RepoName }),
    output: z.object({
      base: BranchName,
      /** The commit that it is compared with; absent as long as the base has none. */
      from: Sha.optional(),
      /** Patches beyond the budget are fetched by `workspace_file`. */
      files: z.array(DiffFile),
      left_out: z.array(LeftOut),
    }),
  },
  workspace_file: {
    summary: "The whole patch of one file of a workspace, as it is now, in parts.",
    callers: ["operator"],
    input: z.object({
      name: AgentName,
      repo: RepoName,
      path: z.string().min(1).max(MAX_PATH_CHARS),
      /** Characters that the caller already has. */
      after: z.number().int().min(0).default(0),
    }),
    output: z.object({ text: z.string(), next: z.number().int().optional() }),
  },
  workspace_drop: {
    summary: "Remove a workspace from disk, for good. Refused while the agent's config names its repository.",
    callers: ["operator"],
    input: oneAgent.extend({ repo: RepoName }),
    output: nothing,
  },
  workspace_retry: {
    summary: "Make the workspace of an agent again that is not ready.",
    callers: ["operator"],
    input: oneAgent,
    output: nothing,
  },
  workspace_skip: {
    summary: "Let an agent go on although its workspace is not ready.",
    callers: ["operator"],
    input: oneAgent,
    output: nothing,
  },

  // ── changes, for agents ───────────────────────────────────────────────────────────────────────────────────
  propose_change: {
    summary:
      "Propose the tip of one of this agent's pushed branches for a base. A proposal of the same branch replaces the last.",
    callers: ["agent"],
    takesIn: true,
    input: z.object({
      repo: RepoName,
      branch: BranchName,
      title: z.string().min(1).max(MAX_TITLE_CHARS),
      body: z.string().max(MAX_CHANGE_BODY_CHARS).default(""),
      base: BranchName.optional(),
      /** Answers to comments, by their ids. */
      answers: z
        .array(z.object({ comment: Id, text: z.string().min(1).max(MAX_COMMENT_CHARS) }))
        .max(MAX_COMMENTS)
        .optional(),
    }),
    output: z.object({ change: ChangeRow }),
  },
  list_changes: {
    summary: "The changes of this agent's repositories, newest first.",
    callers: ["agent"],
    input: z.object({ ...page, repo: RepoName.optional(), mine: z.boolean().default(false), before: Id.optional() }),
    output: z.object({ changes: z.array(ChangeRow), ...pageEnd }),
  },
  withdraw_change: {
    summary: "Withdraw a change. An agent withdraws its own ones.",
    callers: ["agent", "operator"],
    input: oneChange.extend(why),
    output: z.object({ change: ChangeRow }),
  },
  review_change: {
    summary: "A named reviewer's verdict on one commit of a change.",
    callers: ["agent"],
    takesIn: true,
    input: oneChange.extend({
      commit: Sha,
      verdict: z.enum(["approve", "request_changes", "comment"]),
      text: z.string().max(MAX_CHANGE_BODY_CHARS).default(""),
      comments: z
        .array(CommentPlace.partial().extend({ text: z.string().min(1).max(MAX_COMMENT_CHARS) }))
        .max(MAX_COMMENTS)
        .default([]),
    }),
    output: z.object({ change: ChangeRow }),
  },

  // ── changes, for the operator ─────────────────────────────────────────────────────────────────────────────
  changes: {
    summary: "Changes, newest first: of one repository, of one agent, or only the open ones.",
    callers: ["operator"],
    input: z.object({
      ...page,
      repo: RepoName.optional(),
      agent: z.string().max(32).optional(),
      open: z.boolean().optional(),
      before: Id.optional(),
    }),
    output: z.object({ changes: z.array(ChangeView), ...pageEnd }),
  },
  change: {
    summary: "One change with its diff and its comments.",
    callers: ["operator"],
    input: oneChange.extend({ against: ChangeBase.default("merge_base") }),
    output: z.object({
      change: ChangeView,
      base_sha: Sha.optional(),
      /** Protected files come first. Patches beyond the budget are fetched by `change_file`. */
      files: z.array(DiffFile),
      comments: z.array(CommentView),
    }),
  },
  change_file: {
    summary: "The whole patch of one file of a change, in parts.",
    callers: ["operator"],
    input: oneChange.extend({
      against: ChangeBase.default("merge_base"),
      path: z.string().min(1).max(MAX_PATH_CHARS),
      /** Characters that the caller already has. */
      after: z.number().int().min(0).default(0),
    }),
    output: z.object({ text: z.string(), next: z.number().int().optional() }),
  },
  change_approve: {
    summary: "Approve the commit of a change that was shown. It goes to the merge queue.",
    callers: ["operator"],
    input: oneChange.extend({
      sha: Sha.optional(),
      digest: Digest.optional(),
      /** The files that are not shown whole as text. Approval is refused unless it names each of them. */
      unshown: z.array(z.string().min(1).max(MAX_PATH_CHARS)).max(MAX_CHANGE_FILES).optional(),
      ...why,
    }),
    output: z.object({ change: ChangeView }),
  },
  change_deny: {
    summary: "Deny a change. Its owner gets the note.",
    callers: ["operator"],
    input: oneChange.extend(why),
    output: z.object({ change: ChangeView }),
  },
  change_comment: {
    summary: "Keep a comment on a line, or on the whole change, as a draft.",
    callers: ["operator"],
    takesIn: true,
    input: oneChange.extend({ ...CommentPlace.partial().shape, text: z.string().min(1).max(MAX_COMMENT_CHARS) }),
    output: z.object({ comment: CommentView }),
  },
  change_comment_drop: {
    summary: "Drop a comment that is not sent yet.",
    callers: ["operator"],
    input: z.object({ comment: Id }),
    output: nothing,
  },
  change_comment_resolve: {
    summary: "Mark a comment as resolved, or as open again.",
    callers: ["operator"],
    input: z.object({ comment: Id, resolved: z.boolean().default(true) }),
    output: z.object({ comment: CommentView }),
  },
  change_return: {
    summary: "Send a change back to its owner with all drafts and a note, as one message.",
    callers: ["operator"],
    input: oneChange.extend(why),
    output: z.object({ change: ChangeView }),
  },
  change_retry: {
    summary: "Put a change that came back from the queue into it again.",
    callers: ["operator"],
    input: oneChange,
    output: z.object({ change: ChangeView }),
  },
  change_dequeue: {
    summary: "Take a change out of the merge queue. Its approval ends.",
    callers: ["operator"],
    input: oneChange.extend(why),
    output: z.object({ change: ChangeView }),
  },
  change_to_front: {
    summary: "Make a change the next one of its merge queue.",
    callers: ["operator"],
    input: oneChange,
    output: z.object({ change: ChangeView }),
  },
  change_revert: {
    summary: "Propose the revert of a merged change, as a change of the operator.",
    callers: ["operator"],
    takesIn: true,
    input: oneChange.extend(why),
    output: z.object({ change: ChangeView }),
  },
  change_log: {
    summary: "The last lines of a change's check; or what comes after a position, as soon as there is something.",
    callers: ["operator"],
    input: oneChange.extend({
      lines: z.number().int().min(1).max(5000).default(200),
      /** A position of an earlier answer. Waits up to half a minute until the log has more. */
      after: z.number().int().min(0).optional(),
    }),
    output: z.object({ lines: z.array(z.string()), position: z.number().int() }),
  },
  queue_pause: {
    summary: "Pause the merge queue of a base, or let it go on.",
    callers: ["operator"],
    input: oneRepo.extend({ base: BranchName.optional(), paused: z.boolean().default(true) }),
    output: z.object({ repo: RepoView }),
  },
} as const satisfies Record<string, Operation>;
