import type { AgentView } from "../../src/wire/agent.ts";
import { agentStateWord } from "../../src/wire/words.ts";

/** True while an agent rests after a failure that may pass, before it takes the same message again. */
export const isRetrying = (agent: AgentView): boolean => agent.state === "idle" && agent.resumes_at !== undefined;

/** When an agent goes on by itself, while that is what it waits for: a stopped or failed one does not. */
export const resumesAt = (agent: AgentView): string | undefined =>
  !agent.destroyed && (isRetrying(agent) || agent.state === "rate_limited") ? agent.resumes_at : undefined;

/** What an agent is doing, as every page names it. */
export function stateWordOf(agent: AgentView): string {
  if (agent.destroyed) return "destroyed";
  return isRetrying(agent) ? "tries again" : agentStateWord(agent);
}
