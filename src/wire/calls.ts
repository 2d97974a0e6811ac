import type { QuestionView } from "./agent.ts";
import type { ApprovalView } from "./approval.ts";
import type { OverBudget } from "./budget.ts";
import type { MessageView } from "./message.ts";
import type { ChangeView } from "./work.ts";

/** Something that waits for the operator. */
export type Call =
  | { kind: "request"; approval: ApprovalView }
  | { kind: "change"; change: ChangeView }
  | { kind: "budget"; over: OverBudget }
  | { kind: "question"; question: QuestionView }
  | { kind: "message"; message: MessageView };

/** Identifies a call in the URL and on the page. */
export function callKey(call: Call): string {
  if (call.kind === "request") return `request-${call.approval.id}`;
  if (call.kind === "change") return `change-${call.change.id}`;
  if (call.kind === "budget")
    return `budget-${call.over.change ?? call.over.agent ?? call.over.credential ?? "hive"}-${call.over.limit}`;
  return call.kind === "question" ? `question-${call.question.id}` : `message-${call.message.id}`;
}

/** Whether only the operator can move a message: it is dead, or the loop brake holds its chain. */
export const isStuck = ({ state }: Pick<MessageView, "state">): boolean => state === "dead" || state === "held";

/**
 * How urgently a call needs the operator; 0 is most urgent. A held chain stops every agent in it, and so does a budget
 * that is used up. A spawn delays an
 * agent that does not exist yet. A config change leaves its agent at work without what it asked for. An agent that
 * proposed a change or asked a question works on meanwhile. A dead message blocks nothing, and a change that a reviewer
 * has approved goes on by itself.
 */
function rankOf(call: Call): number {
  if (call.kind === "budget") return 0;
  if (call.kind === "message") return call.message.state === "held" ? 0 : 4;
  if (call.kind === "request") return call.approval.kind === "spawn" ? 1 : 2;
  return call.kind === "change" && call.change.merges_at !== undefined ? 5 : 3;
}

/** When the call began to wait. */
export function callSince(call: Call): string {
  if (call.kind === "budget") return call.over.since;
  if (call.kind === "request") return call.approval.requested_at;
  if (call.kind === "change") return call.change.updated_at;
  return call.kind === "question" ? call.question.asked_at : call.message.updated_at;
}

/** Most blocking first; within a rank, longest wait first. */
export const inOrder = (calls: readonly Call[]): Call[] =>
  [...calls].sort((a, b) => rankOf(a) - rankOf(b) || Date.parse(callSince(a)) - Date.parse(callSince(b)));

/**
 * Keeps the order of the cards that are shown and appends new ones. The page uses it while the pointer or the focus is
 * among the cards.
 */
export function withoutMoving(shown: readonly string[], calls: readonly Call[]): Call[] {
  const place = new Map(shown.map((key, n) => [key, n]));
  const placeOf = (call: Call): number => place.get(callKey(call)) ?? shown.length;
  return [...calls].sort((a, b) => placeOf(a) - placeOf(b));
}
