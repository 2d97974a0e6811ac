import type { Budget, BudgetRow } from "../wire/budget.ts";
import { BUDGET_KINDS, type BudgetKind } from "../wire/budget-kinds.ts";

/** A limit that counts, and who has set it. */
export interface Limit {
  kind: BudgetKind;
  value: number;
  from: BudgetRow["from"];
}

/** The limits of an agent: the operator's word comes before its config, and the config before the hive's default. */
export function effectiveLimits(operator: Budget, config: Budget, byDefault: Budget): Limit[] {
  const limits: Limit[] = [];
  for (const kind of BUDGET_KINDS) {
    if (operator[kind] !== undefined) limits.push({ kind, value: operator[kind], from: "operator" });
    else if (config[kind] !== undefined) limits.push({ kind, value: config[kind], from: "config" });
    else if (byDefault[kind] !== undefined) limits.push({ kind, value: byDefault[kind], from: "default" });
  }
  return limits;
}
