import { useMemo, useSyncExternalStore } from "react";
import type { QuestionView } from "../../src/wire/agent.ts";
import type { ApprovalView } from "../../src/wire/approval.ts";
import { draftsChanged, hasDraft, onDraftChange } from "./draft.ts";
import { isOpen } from "./state.ts";

/** Drafts that are on their way from this page, or have arrived: what is typed there is not unsent. */
const underway = new Set<string>();

/** Sends what is kept under this key; until it is refused, it counts as sent from here. */
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

/** Under this name the half-written answer to a question is kept. */
export const answerDraft = (id: number): string => `question:${id}`;
/** Under this name the half-written note to a request is kept. */
export const denyDraft = (id: number): string => `deny:${id}`;

/** True while words are kept under this key that have not been sent. */
const isUnsent = (key: string): boolean => hasDraft(key) && !underway.has(key);

/** Whether words are kept under this key that have not been sent, as it changes. */
export function useUnsent(key: string): boolean {
  return useSyncExternalStore(onDraftChange, () => isUnsent(key));
}

/**
 * Questions that are shown: the open ones, and those that ended while the operator was writing the answer. What is
 * typed is never taken away.
 */
export function useShownQuestions(questions: ReadonlyMap<number, QuestionView>): readonly QuestionView[] {
  return useShown(questions, isAsked, answerDraft);
}

/** Requests that are shown: those that are not settled, and those that were while the operator was writing why not. */
export function useShownApprovals(approvals: ReadonlyMap<number, ApprovalView>): readonly ApprovalView[] {
  return useShown(approvals, isOpen, denyDraft);
}

const isAsked = (question: QuestionView): boolean => question.state === "open";

function useShown<T extends { id: number }>(
  all: ReadonlyMap<number, T>,
  isWaiting: (one: T) => boolean,
  draftOf: (id: number) => string,
): readonly T[] {
  // The ids alone are compared: whoever shows them renders again only when another belongs to them.
  const kept = useSyncExternalStore(onDraftChange, () => [...all.keys()].filter((id) => isUnsent(draftOf(id))).join());
  return useMemo(() => {
    const unsent = new Set(kept.split(","));
    return [...all.values()].filter((one) => isWaiting(one) || unsent.has(String(one.id))).sort((a, b) => a.id - b.id);
  }, [all, kept, isWaiting]);
}
