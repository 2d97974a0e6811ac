import type { AgentView } from "./agent.ts";
import type { ApprovalKind } from "./approval.ts";

/** Words that people read in place of names that are fixed on the wire. docs/glossary.md defines them. */

/** A kind of request. */
export const KIND_WORDS: Record<ApprovalKind, string> = { spawn: "spawn", apply_commit: "config change" };

/** What an agent is doing. */
export function agentStateWord({ state, asleep }: Pick<AgentView, "state" | "asleep">): string {
  if (state === "idle" && asleep) return "asleep";
  return state === "offline" ? "stopped" : state.replace("_", " ");
}
