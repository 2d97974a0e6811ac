import type { QuestionView } from "../../src/wire/agent.ts";
import type { MessageView } from "../../src/wire/message.ts";
import type { State } from "./state.ts";

export function openQuestions(state: State): QuestionView[] {
  return [...state.questions.values()].filter((question) => question.state === "open").sort((a, b) => a.id - b.id);
}

/** Messages that only the operator can move: dead ones, and chains that the loop brake holds. */
export function stuckMessages(messages: readonly MessageView[]): MessageView[] {
  return messages.filter((message) => message.state === "dead" || message.state === "held");
}

/** How many things wait for the operator. */
export function waiting(state: State): number {
  return openQuestions(state).length + stuckMessages(state.messages).length + state.hive.operator_unread;
}
