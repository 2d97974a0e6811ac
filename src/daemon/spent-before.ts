import type { Swarm } from "../agents/swarm.ts";
import type { SpentBefore } from "../policy/budgets.ts";
import { dateIn } from "../policy/periods.ts";
import { agentIn, changeIn, credentialIn } from "../policy/spender.ts";
import type { ScopeKey } from "../store/budgets.ts";
import type { Store } from "../store/store.ts";
import type { TokenCounts } from "../wire/agent.ts";

interface SpentBeforeDeps {
  store: Pick<Store, "usage" | "turns" | "changes">;
  agents: Pick<Swarm, "byId">;
  now(): number;
}

/**
 * What the ledger of usage has of a scope on a day, and the table of turns of an open turn or of a change. Budgets begin
 * with it and count on in memory, so that nothing of theirs is stored for each answer of the model.
 */
export function spentBefore(deps: SpentBeforeDeps, scope: ScopeKey, period: string): SpentBefore | undefined {
  const { store, now } = deps;
  const row = (spent: { costUsd: number; output: number; input: number }): SpentBefore => ({
    cost_usd: spent.costUsd,
    output: spent.output,
    input: spent.input,
    turns: 0,
    at: now(),
  });
  const [day, agent, change] = [dateIn(period), agentIn(scope), changeIn(scope)];
  if (day !== undefined) {
    const credential = credentialIn(scope);
    return row(
      store.usage.spent({ day, ...(agent === undefined ? {} : { agent }), ...(credential === undefined ? {} : { credential }) }),
    );
  }
  if (period === "turn" && agent !== undefined) {
    const open = store.turns.open(agent).at(-1)?.metered;
    return open && row(figures(open));
  }
  if (change === undefined) return undefined;
  const ended = store.changes.spent(change);
  if (!ended) return undefined;
  // The running turn belongs to the change, too, once it ends. Under the last daemon it was stored as metered.
  const running = figures(deps.agents.byId(ended.agent)?.turn ?? store.turns.open(ended.agent).at(-1)?.metered);
  return row({
    costUsd: ended.costUsd + running.costUsd,
    output: ended.output + running.output,
    input: ended.input + running.input,
  });
}

/** What a turn that runs counts so far. */
function figures(turn: { tokens: TokenCounts; budgetUsd: number } | undefined): {
  costUsd: number;
  output: number;
  input: number;
} {
  const { output = 0, input = 0, cache_write: written = 0 } = turn?.tokens ?? {};
  return { costUsd: turn?.budgetUsd ?? 0, output, input: input + written };
}
