import type { DecisionRow, LimitRow, ScopeKey } from "../store/budgets.ts";
import type { Budget } from "../wire/budget.ts";
import type { BudgetKind } from "../wire/budget-kinds.ts";
import { credentialIn } from "./spender.ts";
import type { Decision } from "./verdict.ts";

/** No limits: always the same object, so that a caller sees that nothing has changed. */
export const NO_LIMITS: Budget = {};

/** What the operator has set and decided, in memory. It follows the store. */
export class LimitsSet {
  readonly #limits = new Map<ScopeKey, Budget>();
  readonly #decisions = new Map<ScopeKey, Partial<Record<BudgetKind, Decision>>>();
  #version = 0;

  constructor(limits: readonly LimitRow[], decisions: readonly DecisionRow[]) {
    for (const { scope, kind, amount } of limits) this.set(scope, kind, amount);
    for (const row of decisions)
      this.decide(row.scope, row.kind, {
        extra: row.extra,
        extraFor: row.extra_for,
        liftedOn: row.lifted_on,
        stoppedFor: row.stopped_for,
        by: row.decided_by,
      });
  }

  /** The limits that the operator has set for a scope. The same object until they change. */
  of(scope: ScopeKey): Budget {
    return this.#limits.get(scope) ?? NO_LIMITS;
  }

  /** Another number after each change. */
  get version(): number {
    return this.#version;
  }

  /** The credentials for which limits are or were set. */
  credentials(): string[] {
    return [...this.#limits.keys()].flatMap((scope) => credentialIn(scope) ?? []);
  }

  /** True if the operator has set or decided anything for a scope. */
  has(scope: ScopeKey): boolean {
    return this.#limits.has(scope) || this.#decisions.has(scope);
  }

  /** Forgets a scope that has ended. */
  forget(scope: ScopeKey): void {
    this.#version++;
    this.#limits.delete(scope);
    this.#decisions.delete(scope);
  }

  /** Sets a limit, or removes it. */
  set(scope: ScopeKey, kind: BudgetKind, amount: number | undefined): void {
    this.#version++;
    const { [kind]: _, ...others } = this.of(scope);
    this.#limits.set(scope, amount === undefined ? others : { ...others, [kind]: amount });
  }

  decision(scope: ScopeKey, kind: BudgetKind): Decision | undefined {
    return this.#decisions.get(scope)?.[kind];
  }

  /** Takes a decision. Returns the row to store. */
  decide(scope: ScopeKey, kind: BudgetKind, decision: Decision): DecisionRow {
    this.#version++;
    this.#decisions.set(scope, { ...this.#decisions.get(scope), [kind]: decision });
    return this.row(scope, kind, decision);
  }

  /** A decision as it is stored. */
  row(scope: ScopeKey, kind: BudgetKind, { extra, extraFor, liftedOn, stoppedFor, by }: Decision): DecisionRow {
    return { scope, kind, extra, extra_for: extraFor, lifted_on: liftedOn, stopped_for: stoppedFor, decided_by: by };
  }
}
