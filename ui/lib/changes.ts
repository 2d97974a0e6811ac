import { CHANGE_WORDS, isChangeOver, type ChangeState } from "../../src/wire/change-states.ts";
import type { ChangeView } from "../../src/wire/work.ts";
import type { State } from "./state.ts";

/** The colour of each state: amber waits for the operator, mauve is under way or with the agent. */
export const CHANGE_COLOURS: Record<ChangeState, string> = {
  proposed: "amber",
  approved: "mauve",
  queued: "mauve",
  merging: "mauve",
  checking: "mauve",
  pushing: "mauve",
  in_pull_request: "mauve",
  merged: "green",
  changes_requested: "mauve",
  conflict: "red",
  checks_failed: "red",
  push_failed: "red",
  denied: "red",
  withdrawn: "dim",
  superseded: "dim",
  stale: "dim",
};

/** The state of a change with what it depends on: `check failed`, `waits for review`. */
export const stateWords = ({ state }: Pick<ChangeView, "state">): string => CHANGE_WORDS[state];

/** How a change is named: `web #12`. */
export const changeName = ({ repo, id }: Pick<ChangeView, "repo" | "id">): string => `${repo} #${id}`;

/**
 * Differs as soon as the diff or the comments of a change do, so that a page fetches them again. Drafts count: another
 * window or another operator may have kept one, and the next return sends all of them.
 */
export const shownMark = ({ digest, round, comments }: Pick<ChangeView, "digest" | "round" | "comments">): string =>
  [digest, round, comments.draft, comments.open, comments.resolved].join(" ");

/** Changes that have not ended, oldest first. */
export function openChanges(state: Pick<State, "changes">): ChangeView[] {
  return [...state.changes.values()].filter((one) => !isChangeOver(one.state)).sort((a, b) => a.id - b.id);
}

/** A card shows it: it waits for the operator's review, or may be stopped before it is merged. */
export const isToDecide = ({ state, merges_at: at }: ChangeView): boolean => state === "proposed" || at !== undefined;

/** Changes that wait for the operator's review, oldest first. */
export function proposedChanges(state: Pick<State, "changes">): ChangeView[] {
  return [...state.changes.values()].filter((one) => one.state === "proposed").sort((a, b) => a.id - b.id);
}
