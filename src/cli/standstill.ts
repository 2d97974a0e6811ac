import { hivectl } from "../lib/hivectl.ts";
import type { AgentView } from "../wire/agent.ts";
import type { OverBudget } from "../wire/budget.ts";
import { budgetOf, localTime } from "./budget-text.ts";

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

/**
 * An agent over its budget may wait for hours: until its limit counts anew, or for ever if that is one per turn. The
 * state of an agent does not tell its credential: that of a reached limit is the one if no other limit stops it.
 */
function overWords({ name, resumes_at: ends }: AgentView, over: readonly OverBudget[]): string {
  const until = ends === undefined ? "" : ` until ${localTime(ends)}`;
  const found =
    over.find((one) => one.agent === name) ??
    over.find(({ scope }) => scope === "hive") ??
    over.find(({ scope }) => scope === "credential");
  const whose = found?.scope === "hive" ? "the hive" : found?.scope === "credential" ? "its credential" : "it";
  return `${whose} is over budget${until}; ${hivectl(`budget raise ${found === undefined ? name : budgetOf(found)}`)}`;
}
