import { Budgets } from "../../src/policy/budgets.ts";
import { Days } from "../../src/policy/days.ts";
import { BudgetDecisions } from "../../src/policy/decisions.ts";
import type { Spender, Spenders } from "../../src/policy/spender.ts";
import { Turnstile } from "../../src/policy/turnstile.ts";
import type { DecisionRow, LimitRow, SpentRow } from "../../src/store/budgets.ts";
import type { Store, Tx } from "../../src/store/store.ts";
import { onUnexpected } from "./unexpected.ts";

/** The tables of budgets in memory, for many short runs. A write is done at once. */
export function budgetTables() {
  const limits = new Map<string, LimitRow>();
  const spent = new Map<string, SpentRow>();
  const decisions = new Map<string, DecisionRow>();
  const audit: { actor: string; kind: string; agent?: string; detail?: object }[] = [];
  let seq = 0;
  const store = {
    write: async <T>(run: (tx: Tx) => T): Promise<T> => {
      const after: (() => void)[] = [];
      const result = run({ afterCommit: (act: () => void) => void after.push(act) } as Tx);
      for (const act of after) act();
      return result;
    },
    budgets: {
      limits: () => [...limits.values()],
      set: (row) => void limits.set(`${row.scope} ${row.kind}`, row),
      remove: (scope, kind) => void limits.delete(`${scope} ${kind}`),
      spent: (scope, period) => spent.get(`${scope} ${period}`),
      spend: (row) => void spent.set(`${row.scope} ${row.period}`, { ...row }),
      decisions: () => [...decisions.values()],
      removeSpent: (scope, period) => void spent.delete(`${scope} ${period}`),
      forget(scope) {
        for (const table of [limits, decisions, spent])
          for (const key of table.keys()) if (key.startsWith(`${scope} `)) table.delete(key);
      },
      decide: (row) => void decisions.set(`${row.scope} ${row.kind}`, row),
    },
    ledger: { audit: (_: number, line: (typeof audit)[number]) => void audit.push(line) } as never,
    nextSeq: () => ++seq,
  } satisfies Pick<Store, "write" | "budgets" | "ledger" | "nextSeq">;
  return { store, audit };
}

/** The days of a zone. They remember nothing that counts, and the runtime takes long to make their format. */
function daysOf(zone: string): Days {
  const found = zones.get(zone) ?? new Days(zone);
  zones.set(zone, found);
  return found;
}
const zones = new Map<string, Days>();

/** The budgets of made-up agents over given tables: what a daemon has after a start. */
export function openBudgetsOf(
  agents: readonly Spender[],
  { store }: { store: Pick<Store, "write" | "budgets" | "ledger" | "nextSeq"> },
  options: {
    zone?: string;
    now: () => number;
    priced?: (model: string) => boolean;
    changed?: (id: string) => void;
    /** What usage and turns have. */
    spentBefore?: ConstructorParameters<typeof Budgets>[0]["spentBefore"];
    /** Who spends, if that is not just the agents of a list. */
    spenders?: Spenders;
  },
) {
  const days = daysOf(options.zone ?? "UTC");
  const { now } = options;
  const budgets = new Budgets({
    store,
    days,
    now,
    spenders: options.spenders ?? { all: () => [...agents], byId: (id) => agents.find((one) => one.id === id) },
    hasPrice: options.priced ?? (() => true),
    howToPrice: "add its price to /prices.json",
    spentBefore: options.spentBefore ?? (() => undefined),
    changed: options.changed ?? (() => {}),
    onUnexpected,
  });
  budgets.start();
  return {
    budgets,
    days,
    turnstile: new Turnstile(budgets, { check: () => {} }),
    decisions: new BudgetDecisions({ store, budgets, days, now }),
  };
}
