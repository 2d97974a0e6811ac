import type { BudgetRow, OverBudget } from "../wire/budget.ts";
import { isOfChange, usualRaise } from "../wire/budget-kinds.ts";
import { instant } from "../wire/instant.ts";
import type { Budgets } from "./budgets.ts";
import type { Days } from "./days.ts";
import { effectiveLimits } from "./effective.ts";
import { DEFAULT, type Spenders } from "./spender.ts";
import type { Standing } from "./standings.ts";
import type { Stop } from "./stop.ts";

export interface BudgetViewDeps {
  budgets: Pick<Budgets, "limits" | "standings" | "sharedStops" | "stopOf">;
  spenders: Pick<Spenders, "all">;
  days: Pick<Days, "at">;
  now(): number;
}

/**
 * The limits that are reached: those of several agents first, then those of agents and of their changes. An agent that
 * only a shared one stops is not there.
 */
export function overBudget({ budgets, spenders, days, now }: BudgetViewDeps): OverBudget[] {
  const midnight = instant(days.at(now()).ends);
  const view = (stop: Stop, agent?: string): OverBudget => ({
    scope: stop.scope,
    ...(agent === undefined ? {} : { agent }),
    ...namesOf(stop),
    limit: stop.kind,
    used: stop.used,
    allowed: stop.allowed,
    raise: usualRaise(stop.kind, stop.limit),
    since: instant(stop.at),
    ...(stop.ends === undefined ? {} : { resets_at: instant(stop.ends) }),
    midnight,
    ...(stop.stoppedBy === undefined ? {} : { stopped_by: stop.stoppedBy }),
  });
  const agents = spenders.all().flatMap(({ id, name }) => {
    const stop = budgets.stopOf(id);
    return stop?.scope === "agent" || stop?.scope === "change" ? [view(stop, name)] : [];
  });
  return [...budgets.sharedStops.map((stop) => view(stop)), ...agents];
}

/** How every limit stands: the hive's, those of credentials, the default, then those of agents with their changes. */
export function budgetRows({ budgets, spenders }: BudgetViewDeps): BudgetRow[] {
  const { limits, standings } = budgets;
  const byDefault = effectiveLimits({}, {}, limits.of(DEFAULT)).map(({ kind, value }): BudgetRow => ({
    scope: "default",
    limit: kind,
    allowed: value,
    from: "default",
  }));
  const agents = spenders.all().flatMap((agent) => [
    ...standings.ofAgent(agent).map((one) => rowOf(one, agent.name)),
    // These stop nothing by themselves: messages are refused, and each change has its own sum.
    ...standings
      .limitsOf(agent)
      .filter(({ kind }) => kind === "messages_per_minute" || isOfChange(kind))
      .map(({ kind, value, from }): BudgetRow => ({ scope: "agent", agent: agent.name, limit: kind, allowed: value, from })),
    ...agent.changes.flatMap((change) => standings.ofChange(agent, change).map((one) => rowOf(one, agent.name))),
  ]);
  const credentials = limits.credentials().flatMap((name) => standings.ofCredential(name));
  return [...[...standings.ofHive(), ...credentials].map((one) => rowOf(one)), ...byDefault, ...agents];
}

const namesOf = ({ credential, change }: Standing): Pick<BudgetRow, "credential" | "change"> => ({
  ...(credential === undefined ? {} : { credential }),
  ...(change === undefined ? {} : { change }),
});

function rowOf(standing: Standing, agent?: string): BudgetRow {
  const { scope, kind, limit, extra, used, from, isLifted, ends } = standing;
  return {
    scope,
    ...(agent === undefined ? {} : { agent }),
    ...namesOf(standing),
    limit: kind,
    allowed: limit,
    ...(extra > 0 ? { extra } : {}),
    used,
    from,
    ...(isLifted ? { lifted: true as const } : {}),
    ...(ends === undefined ? {} : { resets_at: instant(ends) }),
  };
}
