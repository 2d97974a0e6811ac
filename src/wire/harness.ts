import { z } from "zod";
import { Sha } from "./approval.ts";
import { cutText } from "./cut.ts";
import { MAX_LINES, MAX_REASON_CHARS } from "./limits.ts";
import { Instant } from "./names.ts";
import { COUNTED_ENDS, PARKING_ENDS, type TurnEnd, type TurnResult } from "./turn-ends.ts";
import { BranchName, MAX_AGENT_REPOS, MAX_BRANCH_CHARS, RepoAccess, RepoName } from "./work.ts";

/**
 * The protocol between harness and daemon. The daemon also speaks the previous version. Version 3: outcomes name their
 * end.
 */
export const PROTOCOL = 3;
/** The oldest protocol that the daemon serves. A cage with it is replaced between turns. */
export const OLDEST_PROTOCOL = 2;

/** A repository of the agent, as far as its workspace needs it. */
export const AssignedRepo = z.object({
  name: RepoName,
  base: BranchName,
  access: RepoAccess,
  /** Runs once in a fresh clone. Empty: nothing to run. */
  setup: z.string(),
  /** The author of the agent's commits. Empty: the agent. */
  author: z.string(),
});
export type AssignedRepo = z.infer<typeof AssignedRepo>;

/** A branch or tag of a repository, by its full name. */
export const RepoRef = z.object({ name: z.string().regex(/^refs\/(?:heads|tags)\/[^\s\p{Cc}]+$/u), sha: Sha });
export type RepoRef = z.infer<typeof RepoRef>;

/** Lines that the daemon pushes to the harness: `{"push": …}`. */
export const HarnessPush = z.discriminatedUnion("push", [
  /** End the running turn. Its message is dropped, or returned to the inbox with `return`. */
  z.object({ push: z.literal("cancel"), return: z.boolean().default(false) }),
  z.object({ push: z.literal("compact") }),
  z.object({ push: z.literal("model"), model: z.string() }),
  z.object({ push: z.literal("new_session") }),
  /** Make the workspace that is not ready again, or go on without it. With the settings as they are now. */
  z.object({ push: z.literal("workspace"), answer: z.enum(["retry", "skip"]), repos: z.array(AssignedRepo) }),
  /** Someone looks at the hive, or no one does: whether to report what changes in the workspaces during a turn. */
  z.object({ push: z.literal("watched"), watched: z.boolean() }),
  /** A connection of one of the agent's programs was denied, in words. */
  z.object({ push: z.literal("denied"), words: z.string() }),
  /** End this process: at once, or after the turn. */
  z.object({ push: z.literal("shutdown"), graceful: z.boolean() }),
]);
export type HarnessPush = z.infer<typeof HarnessPush>;

/** Why something failed, in words. */
export const Reason = cutText(MAX_REASON_CHARS);

/** A workspace that an agent waits for: it is being made, or it failed and waits for the operator. */
export const WorkspaceReport = z.object({ repo: RepoName, failed: z.boolean(), reason: Reason });
export type WorkspaceReport = z.infer<typeof WorkspaceReport>;

const Lines = z.number().int().min(0).max(MAX_LINES);
/** What an agent has done in one of its workspaces: its branch, and the lines that differ from the base. Its own word. */
export const WorkDone = z.object({
  repo: RepoName,
  /** Absent if no branch is checked out. */
  branch: cutText(MAX_BRANCH_CHARS).optional(),
  added: Lines,
  removed: Lines,
  /**
   * Where its commits end, the base that they are counted against, and the lines that no commit has. The clone learns of
   * a merge only with its next fetch; the daemon knows by this which lines are in the base by then.
   */
  head: z.object({ commit: Sha, base: BranchName, added: Lines, removed: Lines }).optional(),
});
export type WorkDone = z.infer<typeof WorkDone>;
/** The first one is where turns begin. */
export const WorkReport = z.array(WorkDone).max(MAX_AGENT_REPOS);

/** How a turn ended, as data. `TURN_ENDS` in `turn-ends.ts` defines what each end means. */
export const TurnOutcome = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ok") }),
  z.object({ kind: z.literal("failed"), why: z.enum(COUNTED_ENDS).default("failed"), reason: Reason }),
  z.object({
    kind: z.literal("parked"),
    why: z.enum(PARKING_ENDS),
    reason: Reason,
    resumes_at: Instant.optional(),
  }),
  /** By the operator, unless `by` says otherwise. */
  z.object({ kind: z.literal("cancelled"), return: z.boolean(), by: z.literal("hive").optional() }),
]);
export type TurnOutcome = z.infer<typeof TurnOutcome>;

/** The row of `TURN_ENDS` for an outcome. */
export function turnEndOf(outcome: TurnOutcome): TurnEnd {
  if (outcome.kind === "ok") return "ok";
  if (outcome.kind === "cancelled") return outcome.return ? "interrupted" : "cancelled";
  return outcome.why;
}

/** The result that a turn with this outcome is counted as. */
export function turnResultOf(outcome: TurnOutcome): TurnResult {
  return outcome.kind === "cancelled" && outcome.by === "hive" ? "interrupted" : outcome.kind;
}
