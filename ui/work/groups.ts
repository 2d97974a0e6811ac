import { canRetryHelp, changeCan, isBeingMerged, isOnItsWay, isReturned } from "../../src/wire/change-states.ts";
import type { ChangeView, QueueView, RepoView } from "../../src/wire/work.ts";

/** The open changes, by whose move it is. */
export interface Groups {
  /** They wait for the operator's review, the oldest first. */
  review: readonly ChangeView[];
  /** Approved ones, in the order in which they are merged. */
  queue: readonly ChangeView[];
  /** They came back from the review or the queue, the newest first. */
  back: readonly ChangeView[];
}

/** Sorts open changes into groups. Changes that have ended are in none. */
export function groupsOf(changes: Iterable<ChangeView>, repos: ReadonlyMap<string, RepoView>): Groups {
  const review: ChangeView[] = [];
  const queue: ChangeView[] = [];
  const back: ChangeView[] = [];
  for (const change of changes) {
    if (change.state === "proposed") review.push(change);
    else if (isReturned(change.state)) back.push(change);
    else if (isOnItsWay(change.state)) queue.push(change);
  }
  const place = (change: ChangeView): number => placeIn(queueOf(repos.get(change.repo), change.base), change);
  return {
    review: review.sort((a, b) => a.id - b.id),
    queue: queue.sort((a, b) => compare(a.repo, b.repo) || compare(a.base, b.base) || place(a) - place(b) || a.id - b.id),
    back: back.sort((a, b) => Date.parse(b.updated_at) - Date.parse(a.updated_at) || b.id - a.id),
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export function queueOf(repo: RepoView | undefined, base: string): QueueView | undefined {
  return repo?.queues.find((queue) => queue.base === base);
}

/** The tip of a base, if the base exists. */
export const tipOf = (repo: RepoView | undefined, base: string): string | undefined =>
  repo?.bases.find(({ name }) => name === base)?.sha;

/** Where a change stands in its queue: 0 is merged now, then those that wait; the others are behind them. */
function placeIn(queue: QueueView | undefined, { id, state }: ChangeView): number {
  if (isBeingMerged(state)) return 0;
  const at = queue?.waiting.indexOf(id) ?? -1;
  return at < 0 ? Infinity : at + 1;
}

/** The one thing to do with a change next. `link` leads to its page or to its check log, the others are done at once. */
export type Next = { words: string } & (
  | { kind: "link"; isCheck?: boolean }
  | { kind: "retry" }
  | { kind: "front" }
  | { kind: "dequeue" }
);

/** The next action of a change in its state; undefined if it has ended for good. */
export function nextOf(change: ChangeView, repo: RepoView | undefined): Next | undefined {
  if (change.state === "proposed") return { words: "review", kind: "link" };
  if (isBeingMerged(change.state)) return { words: "watch", kind: "link", isCheck: change.has_log };
  if (change.state === "in_pull_request") return { words: "watch", kind: "link" };
  if (canRetryHelp(change, tipOf(repo, change.base))) return { words: "try again", kind: "retry" };
  if (changeCan(change, "dequeue")) {
    const isNext = queueOf(repo, change.base)?.waiting[0] === change.id;
    return isNext ? { words: "take out", kind: "dequeue" } : { words: "to the front", kind: "front" };
  }
  if (changeCan(change, "revert")) return { words: "revert…", kind: "link" };
  if (changeCan(change, "retry")) return { words: "read why", kind: "link" };
  if (change.merges_at !== undefined) return { words: "veto…", kind: "link" };
  return changeCan(change, "return") ? { words: "look again", kind: "link" } : undefined;
}

/** The open changes of a repository by their state, as many as there are of each. */
export function countsOf(changes: Iterable<ChangeView>): [state: ChangeView["state"], count: number][] {
  const counts = new Map<ChangeView["state"], number>();
  for (const { state } of changes) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts];
}
