import type { Agent } from "../agents/agent.ts";
import type { AgentBus } from "../agents/events.ts";
import type { Swarm } from "../agents/swarm.ts";
import { costOf } from "../gateway/model/prices.ts";
import { Budgets } from "../policy/budgets.ts";
import { budgetRows, overBudget } from "../policy/budget-view.ts";
import type { Days } from "../policy/days.ts";
import { BudgetDecisions } from "../policy/decisions.ts";
import { MessageRate } from "../policy/message-rate.ts";
import { SharedLimit } from "../policy/shared-limit.ts";
import { spentBefore } from "./spent-before.ts";
import type { Spender, Spenders } from "../policy/spender.ts";
import { Turnstile } from "../policy/turnstile.ts";
import type { Store } from "../store/store.ts";
import type { BudgetRow, OverBudget } from "../wire/budget.ts";
import type { Price } from "../wire/models.ts";

export interface BudgetPartsDeps {
  store: Store;
  agents: Pick<Swarm, "all" | "byId">;
  bus: Pick<AgentBus, "on" | "emit">;
  prices: Record<string, Price>;
  /** The file that `prices` come from, if there is one. */
  pricesFile: string | undefined;
  days: Days;
  /** Whether a limit of the model's API holds every agent of the credential. */
  sharesRateLimits: boolean;
  onUnexpected(error: unknown): void;
  now(): number;
}

const NO_TOKENS = { input: 0, output: 0, cache_read: 0, cache_write: 0 };

export const spenderOf = ({ id, name, config, credential }: Agent, changes: readonly number[]): Spender => ({
  id,
  name,
  budget: config.budget,
  credential,
  changes,
});

/** The budgets with what surrounds them: the way of requests, of messages and of decisions, and what is shown. */
export function openBudgets(deps: BudgetPartsDeps) {
  const { store, agents, bus, prices, pricesFile, days, sharesRateLimits } = deps;
  /** The changes that each agent works on: asked with each answer of the model. */
  const changes = new Map<string, readonly number[]>();
  const changesOf = ({ id }: Agent): readonly number[] => {
    const known = changes.get(id) ?? store.changes.openOf(id);
    changes.set(id, known);
    return known;
  };
  const spender = (agent: Agent): Spender => spenderOf(agent, changesOf(agent));
  const spenders: Spenders = {
    all: () => agents.all().map(spender),
    byId(id) {
      const agent = agents.byId(id);
      return agent && !agent.destroyed ? spender(agent) : undefined;
    },
  };
  const budgets = new Budgets({
    ...deps,
    spenders,
    hasPrice: (model) => costOf(model, NO_TOKENS, prices) !== undefined,
    howToPrice:
      pricesFile === undefined
        ? "set HIVE_PRICES to a file with its price and restart the daemon"
        : `add its price to ${pricesFile} (HIVE_PRICES) and restart the daemon`,
    spentBefore: (scope, period) => spentBefore(deps, scope, period),
    changed(id) {
      const agent = agents.byId(id);
      if (agent) bus.emit("budget_changed", agent);
      bus.emit("changed", "hive");
    },
  });
  bus.on("change_stored", ({ change, agent, isOver }) => {
    changes.delete(agent);
    if (isOver) budgets.changeEnded(change);
    budgets.refresh(agent);
  });
  bus.on("agent_destroyed", ({ agent, purged }) => {
    changes.delete(agent.id);
    budgets.agentEnded(agent.id, purged);
  });
  const sharedLimit = new SharedLimit({
    ...deps,
    isShared: sharesRateLimits,
    sharers: (credential) =>
      agents
        .all()
        .filter((agent) => agent.credential === credential)
        .map(({ id }) => id),
    changed(id) {
      const agent = agents.byId(id);
      if (agent) bus.emit("budget_changed", agent);
    },
  });
  // Another config may have another budget or name another credential.
  bus.on("harness_connected", ({ agent }) => {
    budgets.refresh(agent.id);
    sharedLimit.uses(agent.id, agent.credential);
  });
  const messageRate = new MessageRate({
    ...deps,
    sentSince: (sender, from) => store.messages.sentSince(sender, from),
    limitOf(sender) {
      const agent = spenders.byId(sender);
      return agent && budgets.standings.limitsOf(agent).find(({ kind }) => kind === "messages_per_minute")?.value;
    },
  });
  const shown = { ...deps, budgets, spenders };
  return {
    budgets,
    messageRate,
    days,
    sharedLimit,
    turnstile: new Turnstile(budgets, sharedLimit),
    decisions: new BudgetDecisions({ ...deps, budgets }),
    spenders,
    rows: (): BudgetRow[] => budgetRows(shown),
    /** The limits that are reached and hold an agent that would run. */
    over(): OverBudget[] {
      const held = agents.all().filter((agent) => agent.isUp && agent.activity === "idle");
      const isHeld = ({ agent: name, credential }: OverBudget): boolean =>
        (name === undefined && credential === undefined) ||
        held.some((agent) => (name === undefined ? agent.credential === credential : agent.name === name));
      return overBudget(shown).filter(isHeld);
    },
  };
}

export type BudgetParts = ReturnType<typeof openBudgets>;
