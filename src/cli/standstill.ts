import { hivectl } from "../lib/hivectl.ts";
import type { AgentView } from "../wire/agent.ts";
import type { OverBudget } from "../wire/budget.ts";
import { localTime } from "./budget-text.ts";

/** A reason behind a colon; nothing without one. */
export const because = (reason: string | undefined): string => (reason === undefined ? "" : `: ${reason}`);

/**
 * Why an agent takes no message until the operator acts; undefined for an agent that continues without the operator.
 * `over` are the limits that are reached: they say whether it is the agent's or the hive's.
 */
export function standstill(agent: AgentView, over: readonly OverBudget[] = []): string | undefined {
  const { name, state } = agent;
  if (agent.destroyed) return "it was destroyed";
  if (agent.deploying !== undefined) return undefined;
  if (state === "failed" && agent.resumes_at === undefined)
    return `it has failed${because(agent.state_reason)}; ${hivectl(`start ${name}`)}`;
  if (state === "offline" && agent.state_reason === undefined) return `it is stopped; ${hivectl(`start ${name}`)}`;
  if (state === "paused") return `it is paused; ${hivectl(`resume ${name}`)}`;
  if (state === "needs_login")
    return `it needs a login${because(agent.state_reason)}; ${hivectl("login --model")}, or mend the credential and then ${hivectl(`resume ${name}`)}`;
  if (agent.over_budget === true) return overWords(agent, over);
  return undefined;
}

/** An agent over its budget may wait for hours: until its limit counts anew, or for ever if that is one per turn. */
function overWords({ name, resumes_at: ends }: AgentView, over: readonly OverBudget[]): string {
  const isHives = !over.some((one) => one.agent === name) && over.some(({ scope }) => scope === "hive");
  const until = ends === undefined ? "" : ` until ${localTime(ends)}`;
  return `${isHives ? "the hive" : "it"} is over budget${until}; ${hivectl(`budget raise ${isHives ? "--hive" : name}`)}`;
}
