import type { AgentView } from "../../src/wire/agent.ts";
import { agentStateWord } from "../../src/wire/words.ts";

/** True while an agent pauses after a failure that may pass, before it retries the same message. */
export const isRetrying = (agent: AgentView): boolean => agent.state === "idle" && agent.resumes_at !== undefined;

/** When the agent continues automatically; undefined for a stopped or failed agent. */
export const resumesAt = (agent: AgentView): string | undefined =>
  !agent.destroyed && (isRetrying(agent) || agent.state === "rate_limited") ? agent.resumes_at : undefined;

/** The name of an agent's state on every page. */
export function stateWordOf(agent: AgentView): string {
  if (agent.destroyed) return "destroyed";
  return isRetrying(agent) ? "tries again" : agentStateWord(agent);
}
