import { hivectl } from "../lib/hivectl.ts";
import type { ScopeKey } from "../store/budgets.ts";
import type { Store } from "../store/store.ts";
import type { Budget } from "../wire/budget.ts";
import { BUDGET_KINDS, CHANGE_KINDS, HIVE_KINDS, isOfChange, usualRaise, type BudgetKind } from "../wire/budget-kinds.ts";
import { HiveError } from "../wire/error.ts";
import type { Budgets } from "./budgets.ts";
import type { Days } from "./days.ts";
import { agentScope, changeScope, credentialScope, DEFAULT, HIVE, type Spender } from "./spender.ts";
import type { Standing } from "./standings.ts";
import type { Decision } from "./verdict.ts";

export interface BudgetDecisionDeps {
  store: Pick<Store, "write" | "budgets" | "ledger" | "nextSeq">;
  budgets: Pick<Budgets, "limits" | "standings" | "refresh">;
  days: Pick<Days, "at">;
  now(): number;
}

/** Whose limits can be reached: an agent's, those of a change that it works on, of a credential, or the hive's. */
export type Stopping =
  | { scope: "agent"; agent: Spender }
  | { scope: "change"; agent: Spender; change: number }
  | { scope: "credential"; credential: string }
  | { scope: "hive" };

/** Whose limits can be set: those, and the default of every agent. */
export type Target = Stopping | { scope: "default" };

const NOT_DECIDED: Decision = { extra: 0, extraFor: "", liftedOn: "", stoppedFor: "", by: "" };

/** What the operator sets and decides. Each counts at once, and is in the audit trail with who has done it. */
export class BudgetDecisions {
  readonly #deps: BudgetDecisionDeps;

  constructor(deps: BudgetDecisionDeps) {
    this.#deps = deps;
  }

  /** Sets limits, and removes others. `by` is the operator, as the audit trail names it. */
  async set(target: Target, limits: Budget, remove: readonly BudgetKind[], by: string): Promise<void> {
    const { store, budgets } = this.#deps;
    const scope = keyOf(target);
    const set = BUDGET_KINDS.flatMap((kind) => (limits[kind] === undefined ? [] : [{ scope, kind, amount: limits[kind] }]));
    checkSet(target, set, remove);
    await store.write((tx) => {
      for (const kind of remove) store.budgets.remove(scope, kind);
      for (const row of set) store.budgets.set(row);
      this.#audit("budget_set", target, by, { scope: target.scope, limits, ...(remove.length > 0 ? { removed: remove } : {}) });
      tx.afterCommit(() => {
        for (const kind of remove) budgets.limits.set(scope, kind, undefined);
        for (const { kind, amount } of set) budgets.limits.set(scope, kind, amount);
        budgets.refresh();
      });
    });
  }

  /**
   * Decides on a limit for its running period: adds to it, lifts it until midnight or for the change, or lets the agents
   * wait. Without `kind`, on the one that is reached. Returns the limit that was decided on.
   */
  async answer(
    target: Stopping,
    input: { kind?: BudgetKind | undefined; answer: "raise" | "lift" | "stop"; by?: number | undefined },
    actor: string,
  ): Promise<BudgetKind> {
    const { store, budgets, days, now } = this.#deps;
    const key = keyOf(target);
    const one = this.#standing(target, input.kind);
    if (input.answer === "stop" && !one.isReached)
      throw new HiveError("conflict", "the limit is not reached, so no agent waits for your decision");
    const before = budgets.limits.decision(key, one.kind) ?? NOT_DECIDED;
    const decision: Decision = { ...before, stoppedFor: "", by: actor };
    if (input.answer === "raise") {
      // A raise that leaves the limit reached would look like one that does nothing.
      decision.extra = one.extra + (input.by ?? usualRaise(one.kind, one.limit));
      decision.extraFor = one.period;
      if (one.isReached && one.limit + decision.extra <= one.used)
        decision.extra = one.used - one.limit + (input.by ?? usualRaise(one.kind, one.limit));
    }
    if (input.answer === "lift") decision.liftedOn = isOfChange(one.kind) ? one.period : days.at(now()).date;
    if (input.answer === "stop") decision.stoppedFor = one.period;
    await store.write((tx) => {
      const row = budgets.limits.row(key, one.kind, decision);
      store.budgets.decide(row);
      const added = input.answer === "raise" ? { extra: decision.extra } : {};
      this.#audit(`budget_${input.answer}`, target, actor, {
        scope: target.scope,
        limit: one.kind,
        allowed: one.limit,
        ...added,
      });
      tx.afterCommit(() => {
        budgets.limits.decide(key, one.kind, decision);
        budgets.refresh();
      });
    });
    return one.kind;
  }

  /** The limit to decide on. */
  #standing(target: Stopping, kind: BudgetKind | undefined): Standing {
    const all = this.#standings(target);
    const found = kind === undefined ? all.find(({ isReached }) => isReached) : all.find((one) => one.kind === kind);
    if (found) return found;
    const whose = whoseWords(target);
    throw new HiveError(
      "conflict",
      kind === undefined ? `no limit of ${whose} is reached` : `${whose} has no limit ${kind}: ${hivectl("budget set")} sets one`,
    );
  }

  #standings(target: Stopping): Standing[] {
    const { standings } = this.#deps.budgets;
    if (target.scope === "agent") return standings.ofAgent(target.agent);
    if (target.scope === "change") return standings.ofChange(target.agent, target.change);
    return target.scope === "credential" ? standings.ofCredential(target.credential) : standings.ofHive();
  }

  #audit(kind: string, target: Target, actor: string, detail: object): void {
    const { store, now } = this.#deps;
    const about = "agent" in target ? { agent: target.agent.name } : {};
    const of = {
      ...(target.scope === "credential" ? { credential: target.credential } : {}),
      ...(target.scope === "change" ? { change: target.change } : {}),
    };
    store.ledger.audit(store.nextSeq(), { at: now(), actor, kind, ...about, detail: { ...detail, ...of } });
  }
}

function checkSet(target: Target, set: readonly { kind: BudgetKind }[], remove: readonly BudgetKind[]): void {
  if (set.length + remove.length === 0) throw new HiveError("bad_request", "name at least one limit to set or to remove");
  const fitting = FITTING[target.scope];
  const unfit = fitting && set.find(({ kind }) => !fitting.includes(kind));
  if (unfit)
    throw new HiveError("bad_request", `${whoseWords(target)} has no limit ${unfit.kind}; its limits are ${fitting.join(", ")}`);
}

/** The limits that a scope can have, where not all. */
const FITTING: Partial<Record<Target["scope"], readonly BudgetKind[]>> = {
  hive: HIVE_KINDS,
  credential: HIVE_KINDS,
  change: CHANGE_KINDS,
};

function whoseWords(target: Target): string {
  if (target.scope === "agent") return target.agent.name;
  if (target.scope === "change") return `change ${target.change}`;
  if (target.scope === "credential") return `the credential ${target.credential}`;
  return target.scope === "hive" ? "the hive as a whole" : "the default";
}

function keyOf(target: Target): ScopeKey {
  if (target.scope === "agent") return agentScope(target.agent.id);
  if (target.scope === "change") return changeScope(target.change);
  if (target.scope === "credential") return credentialScope(target.credential);
  return target.scope === "hive" ? HIVE : DEFAULT;
}
