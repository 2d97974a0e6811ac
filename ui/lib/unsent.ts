import { useMemo, useSyncExternalStore } from "react";
import type { QuestionView } from "../../src/wire/agent.ts";
import type { ApprovalView } from "../../src/wire/approval.ts";
import type { ChangeView } from "../../src/wire/work.ts";
import { isToDecide } from "./changes.ts";
import { draftsChanged, hasDraft, onDraftChange } from "./draft.ts";
import { isOpen } from "./state.ts";

/** Drafts that this page is sending or has sent. They do not count as unsent. */
const underway = new Set<string>();

/** Sends the draft under this key. It counts as sent unless it is refused. */
export async function sending(key: string, send: () => Promise<unknown>): Promise<void> {
  underway.add(key);
  try {
    await send();
  } catch (error) {
    underway.delete(key);
    draftsChanged();
    throw error;
  }
}

/** The key of a draft answer to a question. */
export const answerDraft = (id: number): string => `question:${id}`;
/** The key of a draft note to a request. */
export const denyDraft = (id: number): string => `deny:${id}`;

/** The key of a draft note on a change. */
export const changeNote = (id: number): string => `change-note:${id}`;

/** True while the draft under this key has not been sent. */
const isUnsent = (key: string): boolean => hasDraft(key) && !underway.has(key);

/** Whether the draft under this key is unsent, with updates. */
export function useUnsent(key: string): boolean {
  return useSyncExternalStore(onDraftChange, () => isUnsent(key));
}

/**
 * The questions to show: the open ones, and those that ended while the operator was writing an answer. A draft never
 * disappears.
 */
export function useShownQuestions(questions: ReadonlyMap<number, QuestionView>): readonly QuestionView[] {
  return useShown(questions, isAsked, answerDraft);
}

/** The requests to show: the unfinished ones, and those that finished while the operator was writing a note. */
export function useShownApprovals(approvals: ReadonlyMap<number, ApprovalView>): readonly ApprovalView[] {
  return useShown(approvals, isOpen, denyDraft);
}

/** The changes to show: those to decide on, and those that were decided while the operator was writing a note. */
export function useShownChanges(changes: ReadonlyMap<number, ChangeView>): readonly ChangeView[] {
  return useShown(changes, isToDecide, changeNote);
}

const isAsked = (question: QuestionView): boolean => question.state === "open";

function useShown<T extends { id: number }>(
  all: ReadonlyMap<number, T>,
  isWaiting: (one: T) => boolean,
  draftOf: (id: number) => string,
): readonly T[] {
  // Only the ids are compared, so the list renders again only if its members change.
  const kept = useSyncExternalStore(onDraftChange, () => [...all.keys()].filter((id) => isUnsent(draftOf(id))).join());
  return useMemo(() => {
    const unsent = new Set(kept.split(","));
    return [...all.values()].filter((one) => isWaiting(one) || unsent.has(String(one.id))).sort((a, b) => a.id - b.id);
  }, [all, kept, isWaiting]);
}
