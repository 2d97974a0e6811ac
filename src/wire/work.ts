import { z } from "zod";
import { Digest, RiskMark, Sha } from "./approval.ts";
import { CHANGE_STATES } from "./change-states.ts";
import { distinct, EgressHost } from "./config-values.ts";
import { MAX_EGRESS_HOSTS } from "./config-limits.ts";
import { MAX_NOTE_CHARS, MAX_PATH_CHARS } from "./limits.ts";
import { Id, Instant, Seq } from "./names.ts";
import { HostKey } from "./remote.ts";

/** Repositories, changes and comments: the words of agents' work on code. */

/** Characters of a change's title: one line of a commit. */
export const MAX_TITLE_CHARS = 200;
/** Characters of a change's description: a long pull request. */
export const MAX_CHANGE_BODY_CHARS = 16 * 1024;
/** Files of one change: more than anyone reviews. */
export const MAX_CHANGE_FILES = 5_000;
/** Characters of a comment on a line. */
export const MAX_COMMENT_CHARS = 4_096;
/** Characters of the code that a comment quotes: a few lines. */
export const MAX_QUOTE_CHARS = 1_024;
/** Comments of one change: more than anyone answers. */
export const MAX_COMMENTS = 500;
/**
 * Bytes of UTF-8 of the comments of one change with their quotes and answers: two thousand for each. They are shown
 * together with the diff, and fit into one answer however they are escaped.
 */
export const MAX_COMMENTS_BYTES = 1024 * 1024;
/** Characters of a setup or check command: a line, or a short script. Longer ones belong into the repository. */
export const MAX_WORK_COMMAND_CHARS = 4_096;
/** Paths and reviewers of a repository's own lists. */
export const MAX_REPO_LIST = 100;
/** Repositories of a hive, and those of one agent: each is a mount of its cage. */
export const MAX_REPOS = 200;
export const MAX_AGENT_REPOS = 16;
/** Bases of one repository that changes may be merged into: its release branches. */
export const MAX_BASES = 100;
/** Bytes of a branch's name: git's file system limit leaves room for the folders of our own refs. */
export const MAX_BRANCH_CHARS = 120;

/** The name of a repository: a folder of every workspace, and the address `hive:<name>`. */
export const RepoName = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9_.-]{0,38}[a-z0-9])?$/,
    "a repository's name is 1 to 40 of a-z, 0-9, '-', '_' and '.', starting and ending with a letter or a digit",
  )
  .refine(
    (name) => !name.includes("..") && !/\.(?:git|lock)$/.test(name),
    "a repository's name has no '..' and no .git at its end",
  );

const BRANCH_RULE =
  "a branch's name has letters, digits and . _ / - only, no part that begins with '.' or '-' or ends with '.lock'";
/** A branch: a base, or a topic of an agent. A part of what git allows, without anything that could be an option. */
export const BranchName = z
  .string()
  .min(1)
  .max(MAX_BRANCH_CHARS)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/, BRANCH_RULE)
  .refine((name) => !name.includes("..") && !name.split("/").some((part) => /\.(?:lock)?$/.test(part)), BRANCH_RULE)
  .refine((name) => name !== "HEAD", "HEAD is not a branch");

export const MergeMethod = z.enum(["merge", "squash", "rebase"]);
export type MergeMethod = z.infer<typeof MergeMethod>;

/** What decides whether a change is merged: a click, a named reviewer, or the check alone. */
export const MergePolicy = z.enum(["operator", "reviewed", "checks"]);
export type MergePolicy = z.infer<typeof MergePolicy>;

/**
 * Whether merges are written to what a repository follows: to a folder as its branch `hive/<base>`, after the merge; to
 * another host as the base itself, and the push decides whether it is merged.
 */
export const PushRule = z.enum(["never", "after-merge"]);
export type PushRule = z.infer<typeof PushRule>;

/** When the check runs: in the merge queue alone, or also when a change is proposed. */
export const CheckOn = z.enum(["merge", "propose"]);
export type CheckOn = z.infer<typeof CheckOn>;

/**
 * The program of the upstream's host, if approved changes become pull requests there instead of being merged here.
 * `github` is github.com or GitHub Enterprise, `forgejo` also Gitea.
 */
export const ForgeKind = z.enum(["none", "github", "forgejo"]);
export type ForgeKind = z.infer<typeof ForgeKind>;

/**
 * What becomes of mentions and of references to issues in the text of a pull request: `inert` notifies no one and closes
 * nothing; `as-written` leaves the agent's text as it is.
 */
export const ForgeText = z.enum(["inert", "as-written"]);
export type ForgeText = z.infer<typeof ForgeText>;

const Command = z
  .string()
  .max(MAX_WORK_COMMAND_CHARS)
  .refine((text) => !text.includes("\0"), "a command has no NUL character");
const Author = z.string().regex(/^[^<>\n\0]{1,80} <[^<>\s\0]{1,120}>$/, "an author is written as: Name <mail@example.org>");
/** A path pattern of a repository: `**` for any folders, `*` within one. */
const Pattern = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^\0\n]+$/, "a path pattern is one line");
export const ReviewerName = z.string().regex(/^[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?$/, "a reviewer is the name of an agent");

/** The settings of a repository, as the operator gives them. An empty command is none. */
export const RepoSettings = z.object({
  /** The branch that changes are merged into unless they name another one. */
  base: BranchName,
  /** Runs in a clone of the merge result; the change is merged if it ends with 0. */
  check: Command,
  /** Makes a fresh workspace ready to build. Also runs before the check. */
  setup: Command,
  merge: MergeMethod,
  policy: MergePolicy,
  /** The author of the agents' commits. Empty: each agent's own name. */
  author: z.union([z.literal(""), Author]),
  /** Agents whose review merges, under the policy `reviewed`. */
  reviewers: z.array(ReviewerName).max(MAX_REPO_LIST),
  /** Paths that only the operator may approve, besides those of every repository. */
  protected: z.array(Pattern).max(MAX_REPO_LIST),
  push: PushRule,
  check_on: CheckOn,
  /** Hosts that setup and check reach when a change is checked: registries. A workspace has its agent's own list. */
  egress: distinct(EgressHost, MAX_EGRESS_HOSTS),
  forge: ForgeKind,
  forge_text: ForgeText,
});
export type RepoSettings = z.infer<typeof RepoSettings>;

export const DEFAULT_REPO_SETTINGS: Omit<RepoSettings, "base"> = {
  check: "",
  setup: "",
  merge: "merge",
  policy: "operator",
  author: "",
  reviewers: [],
  protected: [],
  push: "never",
  check_on: "merge",
  egress: [],
  forge: "none",
  forge_text: "inert",
};

/** Repositories that the configuration of the host declares, as it writes them to a file. */
export const DeclaredRepos = z.strictObject({
  /** The option that declares them, for people. */
  source: z.string().min(1).max(128),
  repositories: z
    .record(
      RepoName,
      RepoSettings.partial()
        .strict()
        .extend({ create: z.boolean().default(true) }),
    )
    .refine((repos) => Object.keys(repos).length <= MAX_REPOS, `a hive has at most ${MAX_REPOS} repositories`),
});
export type DeclaredRepos = z.infer<typeof DeclaredRepos>;

/** What the merge queue of one base does. */
export const QueueView = z.object({
  base: z.string(),
  /** `stopped`: the daemon stopped it, for `reason`. `paused`: the operator did. */
  state: z.enum(["idle", "busy", "paused", "stopped"]),
  reason: z.string().optional(),
  /** The base and its upstream have commits that the other lacks. The queue goes on once the operator has reconciled them. */
  diverged: z.boolean().optional(),
  /** The change that is being merged, and since when. */
  change: Id.optional(),
  since: Instant.optional(),
  /** The changes that wait, in their order. */
  waiting: z.array(Id),
});
export type QueueView = z.infer<typeof QueueView>;

/** A base as it is written to what a repository follows. */
export const PushView = z.object({
  base: z.string(),
  /** `failed`: for `reason`. It is tried again when the base moves, when the hive starts, and when the operator says so. */
  state: z.enum(["pushed", "pushing", "failed"]),
  reason: z.string().optional(),
  /** The commit of the base that it has, as far as the hive knows. */
  sha: Sha.optional(),
});
export type PushView = z.infer<typeof PushView>;

/** A repository on another host, as far as it is not its address. */
export const RemoteView = z.object({
  /** What the hive is let in with. The credential itself is never shown. */
  credential: z.enum(["none", "token", "key"]),
  /** The public half of a key, as a host takes it for a deploy key. */
  public_key: z.string().optional(),
  /** When a fetch last succeeded. */
  fetched_at: Instant.optional(),
  /** Why the last fetch failed. Absent if it did not. */
  failed: z.string().optional(),
  /** The private address that the operator has allowed. No other one is connected to. */
  private_address: z.string().optional(),
  /** True if the operator has given certificates of its authority. */
  own_authority: z.boolean().optional(),
  /** For ssh: the key of the host that the operator has confirmed. */
  host_key: HostKey.optional(),
  /** True if pull requests are opened with a token of their own, not with that of the pushes. */
  forge_token: z.boolean().optional(),
});
export type RemoteView = z.infer<typeof RemoteView>;

/** A repository of the hive. The newest view replaces the others. */
export const RepoView = z.object({
  name: z.string(),
  ...RepoSettings.shape,
  /** The option of the host that declares its settings. Absent: the operator sets them. */
  declared: z.string().optional(),
  /** The folder of the host, or the address of another host, that it follows. Absent: the hive's copy is the only one. */
  upstream: z.string().optional(),
  /** For the address of another host. */
  remote: RemoteView.optional(),
  created_at: Instant,
  /** Bases with their tips. */
  bases: z.array(z.object({ name: z.string(), sha: Sha })),
  /** Agents whose config names it, and what they may do. */
  agents: z.array(z.object({ name: z.string(), access: z.enum(["read", "write"]) })),
  /** Bytes of objects on disk, as last measured. */
  bytes: z.number(),
  /** What the removal of unneeded objects does now. Absent: none runs. */
  collecting: z.string().optional(),
  queues: z.array(QueueView),
  /** Bases that are written to the upstream, or were to be. */
  pushes: z.array(PushView),
});
export type RepoView = z.infer<typeof RepoView>;

/** A workspace of an agent on disk. */
export const WorkspaceView = z.object({
  agent: z.string(),
  repo: z.string(),
  /** False if the agent's config does not name the repository any more: the workspace is kept, and counts. */
  in_config: z.boolean(),
  /** Bytes on disk. Absent if they could not be measured. */
  bytes: z.number().optional(),
});
export type WorkspaceView = z.infer<typeof WorkspaceView>;

/** A branch of an agent in the hive's repository. */
export const AgentBranch = z.object({
  agent: z.string(),
  branch: z.string(),
  sha: Sha,
  pushed_at: Instant.optional(),
});

/** The check of a proposed change, before it is decided on. It decides nothing: the merge queue runs the check again. */
export const EarlyCheck = z.object({
  /** `error`: it could not be run. `conflict`: there is nothing to run it on. Both, and `failed`, for `reason`. */
  state: z.enum(["waiting", "running", "passed", "failed", "conflict", "error"]),
  reason: z.string().optional(),
  /** The tip of the base that the change was merged onto. */
  onto: Sha.optional(),
  at: Instant,
});
export type EarlyCheck = z.infer<typeof EarlyCheck>;

/** The pull request of a change on the host of its upstream. */
export const PullView = z.object({
  /** `opening`: it is about to be opened. `closed`: without being merged. */
  state: z.enum(["opening", "open", "merged", "closed"]),
  forge: ForgeKind.exclude(["none"]),
  /** Absent as long as it is not known to be open. */
  number: z.number().int().optional(),
  /** Its page. Made of the repository's address, not taken from an answer. */
  url: z.string().optional(),
  /** The branch there. */
  branch: z.string(),
  /** Why the last call did not work. It is tried again. */
  failed: z.string().optional(),
});
export type PullView = z.infer<typeof PullView>;

/** A change in full, without its diff. An upsert by `id`. */
export const ChangeView = z.object({
  id: Id,
  seq: Seq,
  repo: z.string(),
  agent: z.string(),
  branch: z.string(),
  base: z.string(),
  /** How often it was proposed: each round has a commit of its own. */
  round: z.number().int(),
  state: z.enum(CHANGE_STATES),
  title: z.string(),
  body: z.string(),
  /** The proposed commit, and the commit of the base that it starts from. */
  sha: Sha,
  merge_base: Sha.optional(),
  /** Binds an approval to what was shown. */
  digest: Digest,
  stat: z.object({ files: z.number().int(), added: z.number().int(), removed: z.number().int() }),
  /** What the operator should not miss. A mark of kind `protected` means that only the operator may approve. */
  marks: z.array(RiskMark),
  proposed_at: Instant,
  /** When the state last changed. */
  updated_at: Instant,
  decided_by: z.string().optional(),
  decided_at: Instant.optional(),
  /** The note of the last decision. */
  note: z.string().optional(),
  /** Why it came back: the files of a conflict, or the end of the check's output. */
  reason: z.string().optional(),
  /** A reviewer has approved it: when it goes into the merge queue, unless the operator stops it before. */
  merges_at: Instant.optional(),
  /** The tip of the base that it conflicts with. */
  conflicts_with: Sha.optional(),
  /** The commit of the base that contains it. */
  merged_sha: Sha.optional(),
  /** Comments by their state. */
  comments: z.object({ draft: z.number().int(), open: z.number().int(), resolved: z.number().int() }),
  /** True if a run of the check has left a log. */
  has_log: z.boolean(),
  /** The check of this round before the decision. Absent: none was asked for, or none has begun. */
  early_check: EarlyCheck.optional(),
  /** Absent: it never was in one. */
  pull_request: PullView.optional(),
});
export type ChangeView = z.infer<typeof ChangeView>;

/** A comment on a line of a change, or on the whole of it. */
export const CommentView = z.object({
  id: Id,
  change: Id,
  /** The round that it was written on. */
  round: z.number().int(),
  author: z.string(),
  /** Absent for a comment on the whole change. */
  path: z.string().optional(),
  /** Line number in the new file, or in the old one for a removed line. */
  line: z.number().int().optional(),
  side: z.enum(["new", "old"]).optional(),
  /** The line as it was commented on. */
  quote: z.string().optional(),
  text: z.string(),
  /** `draft` is not sent yet. `resolved` is set by the operator. */
  state: z.enum(["draft", "open", "resolved"]),
  /** True if the line has changed since. */
  outdated: z.boolean(),
  /** The answer of the change's owner. */
  answer: z.string().optional(),
  at: Instant,
});
export type CommentView = z.infer<typeof CommentView>;

/** The place of a new comment. A whole-change comment has none. */
export const CommentPlace = z.object({
  path: z.string().min(1).max(MAX_PATH_CHARS),
  line: z.number().int().min(1).max(10_000_000),
  side: z.enum(["new", "old"]),
  quote: z.string().max(MAX_QUOTE_CHARS),
});

/** Access of an agent to a repository, in `agent.json`. */
export const RepoAccess = z.enum(["write", "read"]);
export type RepoAccess = z.infer<typeof RepoAccess>;

export const WorkNote = z.string().max(MAX_NOTE_CHARS);

/** What a comparison of a workspace leaves out: git does not open it, or it is too large to be read. */
export const LeftOut = z.object({ path: z.string(), kind: z.enum(["fifo", "socket", "device", "large", "repository"]) });
export type LeftOut = z.infer<typeof LeftOut>;
