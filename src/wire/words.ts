import type { AgentView } from "./agent.ts";
import type { ApprovalKind } from "./approval.ts";

/** What people read for names that are fixed on the wire; docs/glossary.md says what each word means. */

/** A kind of request. */
export const KIND_WORDS: Record<ApprovalKind, string> = { spawn: "spawn", apply_commit: "config change" };

/** What an agent is doing. */
export function agentStateWord({ state, asleep }: Pick<AgentView, "state" | "asleep">): string {
  if (state === "idle" && asleep) return "asleep";
  return state === "offline" ? "stopped" : state.replace("_", " ");
}
