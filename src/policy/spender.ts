import type { ScopeKey } from "../store/budgets.ts";
import type { Budget } from "../wire/budget.ts";

/** The scope of the sum of all agents, and that of the default limits of each. */
export const HIVE: ScopeKey = "hive";
export const DEFAULT: ScopeKey = "default";
export const agentScope = (id: string): ScopeKey => `agent:${id}`;

/** An agent, as far as its budget needs it. */
export interface Spender {
  id: string;
  name: string;
  /** The budget of its deployed config. */
  budget: Budget | undefined;
}

/** The agents that spend. */
export interface Spenders {
  all(): Spender[];
  byId(id: string): Spender | undefined;
}
