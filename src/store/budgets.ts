import type { BudgetKind } from "../wire/budget-kinds.ts";
import type { Sqlite } from "./database.ts";

/** Whose limits or usage a row has: `hive`, `default`, `agent:<id>`, `credential:<name>` or `change:<id>`. */
export type ScopeKey = string;

/** A limit that the operator has set. */
export interface LimitRow {
  scope: ScopeKey;
  kind: BudgetKind;
  amount: number;
}

/** What a scope has spent in one period: turns of an hour, and a turn under a limit. Days are sums of usage. */
export interface SpentRow {
  scope: ScopeKey;
  period: string;
  cost_usd: number;
  output: number;
  input: number;
  turns: number;
  /** The last change. Milliseconds since the epoch. */
  at: number;
}

/** The operator's newest decision about a limit. The texts name the period that each part counts for; empty: none. */
export interface DecisionRow {
  scope: ScopeKey;
  kind: BudgetKind;
  extra: number;
  extra_for: string;
  lifted_on: string;
  stopped_for: string;
  decided_by: string;
}

/** Periods of one scope that are kept: a clock that is set back finds what was spent. */
const KEPT_PERIODS = 100;

/** Limits, what is spent under them, and the operator's decisions. */
export function budgetQueries(db: Sqlite) {
  const limits = db.prepare<[], LimitRow>("SELECT scope, kind, amount FROM budgets");
  const set = db.prepare<LimitRow>(
    "INSERT INTO budgets (scope, kind, amount) VALUES (@scope, @kind, @amount) ON CONFLICT (scope, kind) DO UPDATE SET amount = excluded.amount",
  );
  const remove = db.prepare<[ScopeKey, BudgetKind]>("DELETE FROM budgets WHERE scope = ? AND kind = ?");
  const spent = db.prepare<[ScopeKey, string], SpentRow>(
    "SELECT scope, period, cost_usd, output, input, turns, at FROM budget_spent WHERE scope = ? AND period = ?",
  );
  const spend = db.prepare<SpentRow>(
    `INSERT INTO budget_spent (scope, period, cost_usd, output, input, turns, at)
     VALUES (@scope, @period, @cost_usd, @output, @input, @turns, @at)`,
  );
  const update = db.prepare<SpentRow>(
    `UPDATE budget_spent SET cost_usd = @cost_usd, output = @output, input = @input, turns = @turns, at = @at
     WHERE scope = @scope AND period = @period`,
  );
  const prune = db.prepare<[ScopeKey, ScopeKey, number, string]>(
    `DELETE FROM budget_spent WHERE scope = ? AND period IN
       (SELECT period FROM budget_spent WHERE scope = ? ORDER BY at DESC LIMIT -1 OFFSET ?) AND period <> ?`,
  );
  const removeSpent = db.prepare<[ScopeKey, string]>("DELETE FROM budget_spent WHERE scope = ? AND period = ?");
  const decisions = db.prepare<[], DecisionRow>(
    "SELECT scope, kind, extra, extra_for, lifted_on, stopped_for, decided_by FROM budget_decisions",
  );
  const decide = db.prepare<DecisionRow>(
    `INSERT INTO budget_decisions (scope, kind, extra, extra_for, lifted_on, stopped_for, decided_by)
     VALUES (@scope, @kind, @extra, @extra_for, @lifted_on, @stopped_for, @decided_by)
     ON CONFLICT (scope, kind) DO UPDATE SET extra = excluded.extra, extra_for = excluded.extra_for,
       lifted_on = excluded.lifted_on, stopped_for = excluded.stopped_for, decided_by = excluded.decided_by`,
  );
  const forgetLimits = db.prepare<[ScopeKey]>("DELETE FROM budgets WHERE scope = ?");
  const forgetDecisions = db.prepare<[ScopeKey]>("DELETE FROM budget_decisions WHERE scope = ?");
  const forgetSpent = db.prepare<[ScopeKey]>("DELETE FROM budget_spent WHERE scope = ?");
  return {
    limits: (): LimitRow[] => limits.all(),
    /** Only inside a write. */
    set: (row: LimitRow): void => void set.run(row),
    /** Only inside a write. */
    remove: (scope: ScopeKey, kind: BudgetKind): void => void remove.run(scope, kind),
    spent: (scope: ScopeKey, period: string): SpentRow | undefined => spent.get(scope, period),
    /** Stores what is spent. A new period forgets the oldest ones. Only inside a write. */
    spend(row: SpentRow): void {
      if (update.run(row).changes > 0) return;
      spend.run(row);
      prune.run(row.scope, row.scope, KEPT_PERIODS, row.period);
    },
    /** Only inside a write. */
    removeSpent: (scope: ScopeKey, period: string): void => void removeSpent.run(scope, period),
    /** Removes all of a scope that has ended: limits, decisions about them, and counters. Only inside a write. */
    forget(scope: ScopeKey): void {
      forgetLimits.run(scope);
      forgetDecisions.run(scope);
      forgetSpent.run(scope);
    },
    decisions: (): DecisionRow[] => decisions.all(),
    /** Only inside a write. */
    decide: (row: DecisionRow): void => void decide.run(row),
  };
}
