import type { QuestionView } from "../../src/wire/agent.ts";
import { isStuck } from "../../src/wire/calls.ts";
import type { OverBudget } from "../../src/wire/budget.ts";
import type { MessageView } from "../../src/wire/message.ts";
import { pendingApprovals } from "./approvals.ts";
import { proposedChanges } from "./changes.ts";
import type { State } from "./state.ts";

export function openQuestions(state: Pick<State, "questions">): QuestionView[] {
  return [...state.questions.values()].filter((question) => question.state === "open").sort((a, b) => a.id - b.id);
}

/** Messages that only the operator can move, of any age: dead ones, and chains that the loop brake holds. */
export function stuckMessages(state: Pick<State, "messages" | "elsewhere">): MessageView[] {
  const recent = state.messages.filter(isStuck);
  const known = new Set(state.messages.map((message) => message.id));
  return [...[...state.elsewhere.values()].filter((message) => isStuck(message) && !known.has(message.id)), ...recent].sort(
    (a, b) => a.id - b.id,
  );
}

/** Limits that are reached and wait for a decision. The same list for the same limits, so that it can be compared. */
export const undecided = (over: State["hive"]["over_budget"]): readonly OverBudget[] => {
  if (!over) return NONE;
  const known = undecidedOf.get(over) ?? over.filter((one) => one.stopped_by === undefined);
  undecidedOf.set(over, known);
  return known;
};
const NONE: readonly OverBudget[] = [];
const undecidedOf = new WeakMap<object, readonly OverBudget[]>();

/**
 * The reached limits that stop an agent: its own and the hive's, also those that an operator has decided to leave. The
 * state of an agent does not tell its credential: if nothing else stops it, the limits of credentials do.
 */
export function overOf(agent: string, over: State["hive"]["over_budget"]): readonly OverBudget[] {
  const sure = (over ?? NONE).filter((one) => one.scope === "hive" || one.agent === agent);
  return sure.length > 0 ? sure : (over ?? NONE).filter(({ scope }) => scope === "credential");
}

/** What waits for the operator, by kind. */
export interface Waiting {
  approvals: number;
  changes: number;
  questions: number;
  budgets: number;
  stuck: number;
  unread: number;
  /** What a card asks for: all but unread messages. */
  cards: number;
  all: number;
}

let last: { key: readonly unknown[]; value: Waiting } | undefined;

/** Cached per state, because the title, the header and the tabs need it in each render. */
export function waiting(state: State): Waiting {
  const key = [
    state.approvals,
    state.changes,
    state.questions,
    state.messages,
    state.elsewhere,
    state.hive.operator_unread,
    state.hive.over_budget,
  ];
  if (last && last.key.every((part, n) => part === key[n])) return last.value;
  const approvals = pendingApprovals(state).length;
  const changes = proposedChanges(state).length;
  const questions = openQuestions(state).length;
  const stuck = stuckMessages(state).length;
  const unread = state.hive.operator_unread;
  const budgets = undecided(state.hive.over_budget).length;
  const cards = approvals + changes + questions + budgets + stuck;
  last = { key, value: { approvals, changes, questions, budgets, stuck, unread, cards, all: cards + unread } };
  return last.value;
}
