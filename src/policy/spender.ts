import type { ScopeKey } from "../store/budgets.ts";
import type { Budget } from "../wire/budget.ts";

/** The scope of the sum of all agents, and that of the default limits of each. */
export const HIVE: ScopeKey = "hive";
export const DEFAULT: ScopeKey = "default";
export const agentScope = (id: string): ScopeKey => `agent:${id}`;
/** The scope of the sum of all agents that use a credential. */
export const credentialScope = (name: string): ScopeKey => `credential:${name}`;
/** The credential of a scope, if it is one. */
export const credentialIn = (scope: ScopeKey): string | undefined => /^credential:(.+)$/s.exec(scope)?.[1];
/** The agent's id in a scope, if it is one. */
export const agentIn = (scope: ScopeKey): string | undefined => /^agent:(.+)$/s.exec(scope)?.[1];
/** The scope of the work on a change. */
export const changeScope = (id: number): ScopeKey => `change:${id}`;
/** The change of a scope, if it is one. */
export const changeIn = (scope: ScopeKey): number | undefined => {
  const id = /^change:(\d+)$/.exec(scope)?.[1];
  return id === undefined ? undefined : Number(id);
};

/** An agent, as far as its budget needs it. */
export interface Spender {
  id: string;
  name: string;
  /** The budget of its deployed config. */
  budget: Budget | undefined;
  /** The name of the credential of its next request. */
  credential: string;
  /** The changes that it works on: proposed, and not ended. */
  changes: readonly number[];
}

/** The agents that spend. */
export interface Spenders {
  all(): Spender[];
  /** Also one whose first deploy runs. Undefined for an agent that was destroyed: it spends nothing more. */
  byId(id: string): Spender | undefined;
}
