import { isChangeOver } from "../../wire/change-states.ts";
import { isTerminal } from "../../wire/request-states.ts";
import type { AgentView, QuestionView } from "../../wire/agent.ts";
import type { ApprovalView } from "../../wire/approval.ts";
import { inOrder as inCallOrder, type Call } from "../../wire/calls.ts";
import { isStuck } from "../../wire/calls.ts";
import type { HiveEvent, StateSnapshot } from "../../wire/event.ts";

/** Maximum messages kept: more than a terminal has lines. */
const MAX_MESSAGES = 200;

/** The data of `hivectl top`: a snapshot with later events applied. */
export interface TopModel {
  state: StateSnapshot;
  /** False while the daemon is away and the data may be stale. */
  isLive: boolean;
}

/** Applies an event to the snapshot. */
export function take(state: StateSnapshot, event: HiveEvent): void {
  switch (event.kind) {
    case "hive":
      state.hive = event.hive;
      return;
    case "agent":
      state.agents = upsert(state.agents, event.agent, "name");
      return;
    case "question":
      state.questions = upsert(state.questions, event.question, "id").filter((one) => one.state === "open");
      return;
    case "approval":
      state.approvals = upsert(state.approvals, event.approval, "id").filter((one) => !isTerminal(one.state));
      return;
    case "change":
      state.changes = upsert(state.changes, event.change, "id").filter((one) => !isChangeOver(one.state));
      return;
    case "message":
      state.messages = upsert(state.messages, event.message, "id").slice(-MAX_MESSAGES);
      state.stuck = upsert(state.stuck, event.message, "id").filter(isStuck).slice(-MAX_MESSAGES);
      return;
    default:
  }
}

function upsert<Row>(rows: Row[], row: Row, key: keyof Row): Row[] {
  const at = rows.findIndex((one) => one[key] === row[key]);
  return at < 0 ? [...rows, row] : rows.with(at, row);
}

/** A selectable row. `key` identifies it while the list around it changes. */
export type Item =
  | { kind: "agent"; key: string; agent: AgentView }
  | { kind: "request"; key: string; request: ApprovalView }
  | { kind: "question"; key: string; question: QuestionView };

/** All selectable rows in display order: the agents, then what waits. */
export function itemsOf(state: StateSnapshot): Item[] {
  return [
    ...inOrder(state.agents.filter((agent) => !agent.destroyed)).map(
      (agent) => ({ kind: "agent", key: `agent ${agent.name}`, agent }) as const,
    ),
    ...waitingOf(state),
  ];
}

/** Requests and questions, in the order of the page. */
function waitingOf(state: StateSnapshot): Item[] {
  const calls: Call[] = [
    ...state.approvals.map((approval): Call => ({ kind: "request", approval })),
    ...state.questions.map((question): Call => ({ kind: "question", question })),
  ];
  return inCallOrder(calls).flatMap((call): Item[] => {
    if (call.kind === "request") return [{ kind: "request", key: `request ${call.approval.id}`, request: call.approval }];
    return call.kind === "question" ? [{ kind: "question", key: `question ${call.question.id}`, question: call.question }] : [];
  });
}

/** The agent that an item is or concerns; undefined if that agent does not exist. */
export function agentOf(state: StateSnapshot, item: Item | undefined): AgentView | undefined {
  if (!item) return undefined;
  if (item.kind === "agent") return item.agent;
  const name = item.kind === "request" ? item.request.agent : item.question.agent;
  return state.agents.find((agent) => agent.name === name && !agent.destroyed);
}

/** Agents that need attention come first, then the manager, then the others by name. */
function inOrder(agents: readonly AgentView[]): AgentView[] {
  const rank = (agent: AgentView): number =>
    agent.state === "failed" || agent.state === "needs_login" ? 0 : agent.role === "manager" ? 1 : 2;
  return agents.toSorted((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}
