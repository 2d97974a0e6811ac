import type { QuestionView } from "./agent.ts";
import type { ApprovalView } from "./approval.ts";
import type { MessageView } from "./message.ts";

/** One thing that waits for the operator. */
export type Call =
  | { kind: "request"; approval: ApprovalView }
  | { kind: "question"; question: QuestionView }
  | { kind: "message"; message: MessageView };

/** What names it in the address and in the page. */
export function callKey(call: Call): string {
  if (call.kind === "request") return `request-${call.approval.id}`;
  return call.kind === "question" ? `question-${call.question.id}` : `message-${call.message.id}`;
}

/**
 * How much stands still until the operator decides. A chain that is held stops every agent in it, and a spawn is an
 * agent that does not exist yet; a config change leaves its agent at work without what it asked for; whoever asked a
 * question has gone on meanwhile; a dead message blocks nothing.
 */
function rankOf(call: Call): number {
  if (call.kind === "message") return call.message.state === "held" ? 0 : 4;
  if (call.kind === "request") return call.approval.kind === "spawn" ? 1 : 2;
  return 3;
}

/** Since when it waits. */
export function callSince(call: Call): string {
  if (call.kind === "request") return call.approval.requested_at;
  return call.kind === "question" ? call.question.asked_at : call.message.updated_at;
}

/** What blocks an agent first; of equal rank, what has waited longest. */
export const inOrder = (calls: readonly Call[]): Call[] =>
  [...calls].sort((a, b) => rankOf(a) - rankOf(b) || Date.parse(callSince(a)) - Date.parse(callSince(b)));

/** What is there keeps its place and the new comes last: for as long as a pointer or the keyboard is among the cards. */
export function withoutMoving(shown: readonly string[], calls: readonly Call[]): Call[] {
  const place = new Map(shown.map((key, n) => [key, n]));
  const placeOf = (call: Call): number => place.get(callKey(call)) ?? shown.length;
  return [...calls].sort((a, b) => placeOf(a) - placeOf(b));
}
