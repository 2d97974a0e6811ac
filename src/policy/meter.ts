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
  remove(scope: ScopeKey, period: string): Promise<void>;
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
  /** Of a turn: whether it has a row, and whether the row is behind. */
  isKept: boolean;
  isBehind: boolean;
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
 * Counts what scopes spend in the running day, hour and turn, and on changes. A period is found by the clock at each use, so a clock that
 * is set back counts on what that period had.
 */
export class Meter {
  readonly #deps: MeterDeps;
  readonly #counters = new Map<ScopeKey, Partial<Record<PeriodKind, Counter>>>();
  #running: Running | undefined;
  #version = 0;

  constructor(deps: MeterDeps) {
    this.#deps = deps;
  }

  /** Another number after each change of a figure, and in each other day or hour. */
  get version(): number {
    this.#periods();
    return this.#version;
  }

  /**
   * Adds the usage of an answer to scopes. It counts at once. Nothing is stored here: days and changes begin with the sums
   * of usage and of turns, which are stored themselves, and `keepTurn` stores a turn where that is needed.
   */
  add(scopes: readonly ScopeKey[], { costUsd, output, input }: Omit<Spent, "turns">): void {
    this.#version++;
    const now = this.#deps.now();
    for (const scope of scopes)
      for (const kind of periodsOf(scope)) {
        const counter = this.#counter(scope, kind);
        counter.spent.costUsd += costUsd;
        counter.spent.output += output;
        counter.spent.input += input;
        counter.at = now;
        counter.isBehind = true;
      }
  }

  /**
   * Stores what an agent has spent in its turn, or removes that. A turn under a limit has to be known to the next daemon
   * once it has ended and waits for a decision; until then the table of turns has it.
   */
  keepTurn(scope: ScopeKey, isKept: boolean): void {
    const counter = this.#counter(scope, "turn");
    if (isKept && counter.isBehind) {
      this.#store([rowOf(scope, counter)]);
      Object.assign(counter, { isKept: true, isBehind: false });
    } else if (!isKept && counter.isKept) this.#remove(scope, counter);
  }

  /** Counts a turn that begins, for the hour. */
  addTurn(scopes: readonly ScopeKey[]): void {
    this.#version++;
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
    this.#version++;
    counter.spent = nothingSpent();
    if (counter.isKept) this.#remove(scope, counter);
    // Nothing is no row.
    counter.isBehind = false;
  }

  /** Forgets a scope that has ended. */
  forget(scope: ScopeKey): void {
    this.#version++;
    this.#counters.delete(scope);
  }

  read(scope: ScopeKey, kind: StoppingKind): Reading {
    const [period, figure] = countedBy(kind);
    const running = this.#periods()[period];
    const { spent, at } = this.#counter(scope, period, running);
    return { used: spent[figure], period: running, at };
  }

  #remove(scope: ScopeKey, counter: Counter): void {
    this.#deps.store.remove(scope, counter.label).catch(this.#deps.onUnexpected);
    Object.assign(counter, { isKept: false, isBehind: true });
  }

  #store(rows: SpentRow[]): void {
    this.#deps.store.store(rows).catch(this.#deps.onUnexpected);
  }

  /** The counter of the running period. That of an earlier one is in the store. */
  #counter(scope: ScopeKey, kind: PeriodKind, { label } = this.#periods()[kind]): Counter {
    const counters = this.#counters.get(scope) ?? {};
    const known = counters[kind];
    if (known?.label === label) return known;
    const row = this.#deps.store.spent(scope, label);
    const counter: Counter = {
      label,
      spent: row ? { costUsd: row.cost_usd, output: row.output, input: row.input, turns: row.turns } : nothingSpent(),
      at: row?.at ?? this.#deps.now(),
      // A row that is there is written once more than needed, or removed.
      isKept: row !== undefined,
      isBehind: row !== undefined,
    };
    counters[kind] = counter;
    this.#counters.set(scope, counters);
    return counter;
  }

  /** The running periods. Kept until one ends, because each request asks several times. */
  #periods(): Running {
    const now = this.#deps.now();
    if (this.#running && now >= this.#running.from && now < this.#running.until) return this.#running;
    this.#version++;
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
