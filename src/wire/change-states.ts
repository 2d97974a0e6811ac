/**
 * The life of a change as one pure table: state × event → state. The daemon moves changes by it, the pages and
 * `hivectl` read from it what can be done with a change, and `docs/states.md` is generated from it.
 *
 *   proposed ─► approved ─► queued ─► merging ─► checking ─► pushing ─► merged
 *
 * `proposed` waits for a decision, `approved` for the end of a veto, `queued` for its turn in the merge queue. Where
 * changes become pull requests, `in_pull_request` stands for `pushing`: the host of the upstream merges. A change
 * that comes back (`changes_requested`, `conflict`, `checks_failed`, `push_failed`) goes on with a new commit, or with
 * `retry`.
 */
export const CHANGE_STATES = [
  "proposed",
  "approved",
  "queued",
  "merging",
  "checking",
  "pushing",
  "in_pull_request",
  "merged",
  "changes_requested",
  "conflict",
  "checks_failed",
  "push_failed",
  "denied",
  "withdrawn",
  "superseded",
  "stale",
] as const;
export type ChangeState = (typeof CHANGE_STATES)[number];

/** What happens to a change. `propose` is a new commit for the same branch and base. */
export type ChangeEvent =
  | "propose"
  | "approve"
  | "deny"
  | "return"
  | "withdraw"
  | "supersede"
  | "orphan"
  | "enqueue"
  | "dequeue"
  | "merge"
  | "check"
  | "push"
  | "open_pull"
  | "land"
  | "conflict"
  | "fail_check"
  | "fail_push"
  | "requeue"
  | "retry";

type Row = Partial<Record<ChangeEvent, ChangeState>>;

/** Ends that are possible as long as the queue has not taken the change. */
const ends: Row = { propose: "proposed", withdraw: "withdrawn", supersede: "superseded", orphan: "stale", deny: "denied" };
/** A change that came back to its owner. */
const returned: Row = { ...ends, return: "changes_requested" };

export const CHANGE_TABLE: Record<ChangeState, Row> = {
  proposed: { ...ends, approve: "approved", return: "changes_requested" },
  approved: { ...ends, approve: "approved", return: "changes_requested", enqueue: "queued" },
  queued: { ...ends, return: "changes_requested", dequeue: "proposed", merge: "merging" },
  merging: { check: "checking", push: "pushing", open_pull: "in_pull_request", conflict: "conflict", requeue: "queued" },
  checking: { push: "pushing", open_pull: "in_pull_request", fail_check: "checks_failed", requeue: "queued" },
  pushing: { land: "merged", fail_push: "push_failed", requeue: "queued" },
  in_pull_request: { ...returned, dequeue: "proposed", land: "merged", fail_push: "push_failed" },
  merged: {},
  changes_requested: returned,
  conflict: { ...returned, retry: "queued" },
  checks_failed: { ...returned, retry: "queued" },
  push_failed: { ...returned, retry: "queued" },
  denied: {},
  withdrawn: {},
  superseded: {},
  stale: {},
};

/** The state after an event; undefined if the event does not apply. */
export function changeAfter(state: ChangeState, event: ChangeEvent): ChangeState | undefined {
  return CHANGE_TABLE[state][event];
}

/** True if no event can move such a change. */
export function isChangeOver(state: ChangeState): boolean {
  return Object.keys(CHANGE_TABLE[state]).length === 0;
}

/** The merge queue works on the change. At most one change of a repository and base is in such a state. */
export function isBeingMerged(state: ChangeState): boolean {
  return state === "merging" || state === "checking" || state === "pushing";
}

/** Approved, and neither merged nor back: the merge queue moves the change on. */
export function isUnderWay(state: ChangeState): boolean {
  return state === "approved" || state === "queued" || isBeingMerged(state);
}

/** Approved and not back, whether the merge queue has it or a pull request. */
export function isOnItsWay(state: ChangeState): boolean {
  return isUnderWay(state) || state === "in_pull_request";
}

/** The change came back: its owner has to propose again, or someone tries again. */
export function isReturned(state: ChangeState): boolean {
  return CHANGE_TABLE[state].retry !== undefined || state === "changes_requested";
}

/**
 * Whether trying again can end differently: a check or a push may pass, a conflict only on another tip of the base.
 * `tip` is the tip now, if known.
 */
export function canRetryHelp(
  change: { state: ChangeState; conflicts_with?: string | undefined },
  tip: string | undefined,
): boolean {
  if (!changeCan(change, "retry")) return false;
  return change.state !== "conflict" || change.conflicts_with === undefined || change.conflicts_with !== tip;
}

/** What a person or an agent can do with a change. */
export type ChangeAction = "approve" | "deny" | "return" | "withdraw" | "retry" | "dequeue" | "propose" | "revert";

/** Whether the state of a change allows the action. The daemon checks permissions. */
export function changeCan({ state }: { state: ChangeState }, action: ChangeAction): boolean {
  return action === "revert" ? state === "merged" : changeAfter(state, action) !== undefined;
}

/** The state in words for a chip or a line. */
export const CHANGE_WORDS: Record<ChangeState, string> = {
  proposed: "waits for review",
  approved: "approved",
  queued: "in the queue",
  merging: "merging",
  checking: "check runs",
  pushing: "moves the base",
  in_pull_request: "in a pull request",
  merged: "merged",
  changes_requested: "changes requested",
  conflict: "conflict",
  checks_failed: "check failed",
  push_failed: "push failed",
  denied: "denied",
  withdrawn: "withdrawn",
  superseded: "superseded",
  stale: "stale",
};
