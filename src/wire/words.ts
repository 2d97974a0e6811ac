import type { AgentView, QuestionView } from "./agent.ts";
import type { ApprovalKind } from "./approval.ts";

/** Words that people read in place of names that are fixed on the wire. docs/glossary.md defines them. */

/** A kind of request. */
export const KIND_WORDS: Record<ApprovalKind, string> = { spawn: "spawn", apply_commit: "config change" };

/** What an agent is doing. */
export function agentStateWord({ state, asleep, over_budget }: Pick<AgentView, "state" | "asleep" | "over_budget">): string {
  if (over_budget === true) return "over budget";
  if (state === "idle" && asleep) return "asleep";
  return state === "offline" ? "stopped" : state.replace("_", " ");
}

type Work = NonNullable<AgentView["work"]>;

/** The workspace to show on an agent's row: the first one that differs from its base, else the one of its turns. */
export function shownWork(work: Work | undefined): Work[number] | undefined {
  return work?.find(({ added, removed }) => added + removed > 0) ?? work?.[0];
}

/** The branch of a workspace, as the agent names it. */
export const branchWord = ({ branch }: Work[number]): string => branch ?? "no branch";

/** How a question stands. The operator closes a question that gets no answer. */
export function questionStateWord(state: QuestionView["state"]): string {
  return state === "cancelled" ? "closed without an answer" : state;
}

/**
 * After stop all, what still stands still. `isAnyUp` is whether an agent runs nevertheless, because the operator has
 * started it by name.
 */
export function allStoppedWords({ agents }: { agents: readonly string[] }, isAnyUp: boolean): string {
  const many = agents.length === 1 ? "1 agent" : `${agents.length} agents`;
  const rest = "; no deploy begins until then";
  if (!isAnyUp) return `everything is stopped: start what ran (${many})${rest}`;
  return `${many} of those that ran ${agents.length === 1 ? "is" : "are"} still stopped: start what ran${rest}`;
}
