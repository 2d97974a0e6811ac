import type { ScopeKey, SpentRow } from "../store/budgets.ts";
import type { Days } from "./days.ts";
import { countedBy, nothingSpent, periodAt, type Period, type PeriodKind, type Spent, type StoppingKind } from "./periods.ts";

const KINDS: readonly PeriodKind[] = ["day", "hour", "turn"];

/** The storage that the meter needs. */
export interface MeterStore {
  spent(scope: ScopeKey, period: string): SpentRow | undefined;
  /** Stores rows. Resolves when they are on stable storage. */
  store(rows: SpentRow[]): Promise<void>;
}

export interface MeterDeps {
  store: MeterStore;
  days: Pick<Days, "at">;
  onUnexpected(error: unknown): void;
  now(): number;
}

interface Counter {
  label: string;
  spent: Spent;
  /** The last change. */
  at: number;
}

/** A figure of a scope in the running period. */
export interface Reading {
  used: number;
  period: Period;
  /** When it last changed. Milliseconds since the epoch. */
  at: number;
}

/**
 * Counts what scopes spend in the running day, hour and turn. A period is found by the clock at each use, so a clock that
 * is set back counts on what that period had.
 */
export class Meter {
  readonly #deps: MeterDeps;
  readonly #counters = new Map<string, Counter>();

  constructor(deps: MeterDeps) {
    this.#deps = deps;
  }

  /** Adds the usage of an answer to scopes. It counts at once, and is stored soon. */
  add(scopes: readonly ScopeKey[], used: Partial<Spent>): void {
    const changed = scopes.flatMap((scope) =>
      KINDS.map((kind) => {
        const counter = this.#counter(scope, kind);
        for (const [figure, amount] of Object.entries(used) as [keyof Spent, number][]) counter.spent[figure] += amount;
        counter.at = this.#deps.now();
        return rowOf(scope, counter);
      }),
    );
    this.#deps.store.store(changed).catch(this.#deps.onUnexpected);
  }

  /** Forgets what a scope has spent in its turn. */
  clearTurn(scope: ScopeKey): void {
    const counter = this.#counter(scope, "turn");
    if (Object.values(counter.spent).every((figure) => figure === 0)) return;
    counter.spent = nothingSpent();
    this.#deps.store.store([rowOf(scope, counter)]).catch(this.#deps.onUnexpected);
  }

  read(scope: ScopeKey, kind: StoppingKind): Reading {
    const [period, figure] = countedBy(kind);
    const now = this.#deps.now();
    const { spent, at } = this.#counter(scope, period);
    return { used: spent[figure], period: periodAt(period, now, this.#deps.days.at(now)), at };
  }

  /** The counter of the running period. That of an earlier one is in the store. */
  #counter(scope: ScopeKey, kind: PeriodKind): Counter {
    const { store, days } = this.#deps;
    const now = this.#deps.now();
    const { label } = periodAt(kind, now, days.at(now));
    const key = `${kind} ${scope}`;
    const known = this.#counters.get(key);
    if (known?.label === label) return known;
    const row = store.spent(scope, label);
    const counter: Counter = {
      label,
      spent: row ? { costUsd: row.cost_usd, output: row.output, input: row.input, turns: row.turns } : nothingSpent(),
      at: row?.at ?? now,
    };
    this.#counters.set(key, counter);
    return counter;
  }
}

const rowOf = (scope: ScopeKey, { label, spent, at }: Counter): SpentRow => ({
  scope,
  period: label,
  cost_usd: spent.costUsd,
  output: spent.output,
  input: spent.input,
  turns: spent.turns,
  at,
});
