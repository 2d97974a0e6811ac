import type { QuestionView } from "../../src/wire/agent.ts";
import { hasDraft } from "./draft.ts";

/** Questions whose answer is on its way from this page, or has arrived: what is typed there is not unsent. */
const answered = new Set<number>();

/** Sends an answer; until it is refused, the question counts as answered from here. */
export async function answering(id: number, send: () => Promise<unknown>): Promise<void> {
  answered.add(id);
  try {
    await send();
  } catch (error) {
    answered.delete(id);
    throw error;
  }
}

/** Under this name the half-written answer to a question is kept. */
export const answerDraft = (id: number): string => `question:${id}`;

/**
 * Questions that are shown: the open ones, and those that ended while the operator was writing the answer. What is
 * typed is never taken away.
 */
export function shownQuestions(questions: ReadonlyMap<number, QuestionView>): QuestionView[] {
  return [...questions.values()]
    .filter(({ id, state }) => state === "open" || (hasDraft(answerDraft(id)) && !answered.has(id)))
    .sort((a, b) => a.id - b.id);
}
