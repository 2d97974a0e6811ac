import { hivectl } from "../lib/hivectl.ts";
import type { AgentView } from "../wire/agent.ts";

/** A reason behind a colon; nothing without one. */
export const because = (reason: string | undefined): string => (reason === undefined ? "" : `: ${reason}`);

/** Why an agent takes no message until the operator acts; undefined for an agent that continues without the operator. */
export function standstill(agent: AgentView): string | undefined {
  const { name, state } = agent;
  if (agent.destroyed) return "it was destroyed";
  if (agent.deploying !== undefined) return undefined;
  if (state === "failed" && agent.resumes_at === undefined)
    return `it has failed${because(agent.state_reason)}; ${hivectl(`start ${name}`)}`;
  if (state === "offline" && agent.state_reason === undefined) return `it is stopped; ${hivectl(`start ${name}`)}`;
  if (state === "paused") return `it is paused; ${hivectl(`resume ${name}`)}`;
  if (state === "needs_login")
    return `it needs a login${because(agent.state_reason)}; ${hivectl("login --model")}, or mend the credential and then ${hivectl(`resume ${name}`)}`;
  return undefined;
}
