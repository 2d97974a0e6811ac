import type { BudgetRow, OverBudget } from "../wire/budget.ts";
import { usualRaise } from "../wire/budget-kinds.ts";
import { instant } from "../wire/instant.ts";
import type { Budgets } from "./budgets.ts";
import type { Days } from "./days.ts";
import { effectiveLimits } from "./effective.ts";
import { DEFAULT, type Spenders } from "./spender.ts";
import type { Standing } from "./standings.ts";
import type { Stop } from "./stop.ts";

export interface BudgetViewDeps {
  budgets: Pick<Budgets, "limits" | "standings" | "hiveStop" | "stopOf">;
  spenders: Pick<Spenders, "all">;
  days: Pick<Days, "at">;
  now(): number;
}

/** The limits that are reached: the hive's first, then those of agents. An agent that only the hive's stops is not there. */
export function overBudget({ budgets, spenders, days, now }: BudgetViewDeps): OverBudget[] {
  const midnight = instant(days.at(now()).ends);
  const view = ({ scope, kind, used, allowed, limit, at, ends, stoppedBy }: Stop, agent?: string): OverBudget => ({
    scope,
    ...(agent === undefined ? {} : { agent }),
    limit: kind,
    used,
    allowed,
    raise: usualRaise(kind, limit),
    since: instant(at),
    ...(ends === undefined ? {} : { resets_at: instant(ends) }),
    midnight,
    ...(stoppedBy === undefined ? {} : { stopped_by: stoppedBy }),
  });
  const agents = spenders.all().flatMap(({ id, name }) => {
    const stop = budgets.stopOf(id);
    return stop?.scope === "agent" ? [view(stop, name)] : [];
  });
  return [...(budgets.hiveStop ? [view(budgets.hiveStop)] : []), ...agents];
}

/** How every limit stands: the hive's, the default, then those of agents. */
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
    ...standings
      .limitsOf(agent)
      .filter(({ kind }) => kind === "messages_per_minute")
      .map(({ kind, value, from }): BudgetRow => ({ scope: "agent", agent: agent.name, limit: kind, allowed: value, from })),
  ]);
  return [...standings.ofHive().map((one) => rowOf(one)), ...byDefault, ...agents];
}

function rowOf({ scope, kind, limit, extra, used, from, isLifted, ends }: Standing, agent?: string): BudgetRow {
  return {
    scope,
    ...(agent === undefined ? {} : { agent }),
    limit: kind,
    allowed: limit,
    ...(extra > 0 ? { extra } : {}),
    used,
    from,
    ...(isLifted ? { lifted: true as const } : {}),
    ...(ends === undefined ? {} : { resets_at: instant(ends) }),
  };
}
