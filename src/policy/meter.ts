import type { ScopeKey, SpentRow } from "../store/budgets.ts";
import type { Days } from "./days.ts";
import { countedBy, nothingSpent, periodAt, type Period, type PeriodKind, type Spent, type StoppingKind } from "./periods.ts";

/** The periods in which answers count for a scope, by what it begins with. Only an agent has turns. */
function periodsOf(scope: ScopeKey): readonly PeriodKind[] {
  if (scope.startsWith("agent:")) return OF_AGENT;
  return scope.startsWith("change:") ? OF_CHANGE : OF_SUM;
}
const OF_AGENT: readonly PeriodKind[] = ["day", "turn"];
const OF_CHANGE: readonly PeriodKind[] = ["change"];
const OF_SUM: readonly PeriodKind[] = ["day"];

/** The storage that the meter needs. */
export interface MeterStore {
  /** What a scope had spent in a period before this daemon counted for it. */
  spent(scope: ScopeKey, period: string): Omit<SpentRow, "scope" | "period"> | undefined;
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

/** The periods that contain every moment from `from` until before `until`. */
interface Running extends Record<PeriodKind, Period> {
  from: number;
  until: number;
}

/**
 * Counts what scopes spend in the running day, hour and turn. A period is found by the clock at each use, so a clock that
 * is set back counts on what that period had.
 */
export class Meter {
  readonly #deps: MeterDeps;
  readonly #counters = new Map<ScopeKey, Partial<Record<PeriodKind, Counter>>>();
  #running: Running | undefined;

  constructor(deps: MeterDeps) {
    this.#deps = deps;
  }

  /** Adds the usage of an answer to scopes, for the day and for the turn. It counts at once, and is stored soon. */
  add(scopes: readonly ScopeKey[], { costUsd, output, input }: Omit<Spent, "turns">): void {
    const rows: SpentRow[] = [];
    for (const scope of scopes)
      for (const kind of periodsOf(scope)) {
        const counter = this.#counter(scope, kind);
        counter.spent.costUsd += costUsd;
        counter.spent.output += output;
        counter.spent.input += input;
        counter.at = this.#deps.now();
        // What a change has cost is the sum of its turns, which are stored themselves.
        if (kind !== "change") rows.push(rowOf(scope, counter));
      }
    this.#store(rows);
  }

  /** Counts a turn that begins, for the hour. */
  addTurn(scopes: readonly ScopeKey[]): void {
    this.#store(
      scopes.map((scope) => {
        const counter = this.#counter(scope, "hour");
        counter.spent.turns++;
        counter.at = this.#deps.now();
        return rowOf(scope, counter);
      }),
    );
  }

  /** Forgets what a scope has spent in its turn. */
  clearTurn(scope: ScopeKey): void {
    const counter = this.#counter(scope, "turn");
    if (Object.values(counter.spent).every((figure) => figure === 0)) return;
    counter.spent = nothingSpent();
    this.#store([rowOf(scope, counter)]);
  }

  /** Forgets a scope that has ended. */
  forget(scope: ScopeKey): void {
    this.#counters.delete(scope);
  }

  read(scope: ScopeKey, kind: StoppingKind): Reading {
    const [period, figure] = countedBy(kind);
    const { spent, at } = this.#counter(scope, period);
    return { used: spent[figure], period: this.#periods()[period], at };
  }

  #store(rows: SpentRow[]): void {
    this.#deps.store.store(rows).catch(this.#deps.onUnexpected);
  }

  /** The counter of the running period. That of an earlier one is in the store. */
  #counter(scope: ScopeKey, kind: PeriodKind): Counter {
    const { label } = this.#periods()[kind];
    const counters = this.#counters.get(scope) ?? {};
    const known = counters[kind];
    if (known?.label === label) return known;
    const row = this.#deps.store.spent(scope, label);
    const counter: Counter = {
      label,
      spent: row ? { costUsd: row.cost_usd, output: row.output, input: row.input, turns: row.turns } : nothingSpent(),
      at: row?.at ?? this.#deps.now(),
    };
    counters[kind] = counter;
    this.#counters.set(scope, counters);
    return counter;
  }

  /** The running periods. Kept until one ends, because each request asks several times. */
  #periods(): Running {
    const now = this.#deps.now();
    if (this.#running && now >= this.#running.from && now < this.#running.until) return this.#running;
    const theDay = this.#deps.days.at(now);
    const [day, hour] = [periodAt("day", now, theDay), periodAt("hour", now, theDay)];
    const [turn, change] = [periodAt("turn", now, theDay), periodAt("change", now, theDay)];
    this.#running = { day, hour, turn, change, from: now, until: Math.min(day.ends ?? Infinity, hour.ends ?? Infinity) };
    return this.#running;
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
