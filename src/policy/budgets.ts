import type { Service } from "../lib/services.ts";
import { Moment } from "../lib/timers.ts";
import type { ScopeKey, SpentRow } from "../store/budgets.ts";
import type { Store } from "../store/store.ts";
import { budgetLimit, isCost } from "../wire/budget-kinds.ts";
import { DEFAULT_CREDENTIAL } from "../wire/default-credential.ts";
import { HiveError } from "../wire/error.ts";
import type { Days } from "./days.ts";
import { LimitsSet } from "./limits-set.ts";
import { Meter } from "./meter.ts";
import { isOfTurns } from "./periods.ts";
import { agentIn, agentScope, changeScope, credentialScope, HIVE, type Spenders } from "./spender.ts";
import { Standings, type Standing } from "./standings.ts";
import { isSameStop, nearWords, stopIn, stopWords, type Stop } from "./stop.ts";

/** What a scope had spent in a period before this daemon counted. */
export type SpentBefore = Omit<SpentRow, "scope" | "period">;

export interface BudgetDeps {
  store: Pick<Store, "write" | "budgets">;
  spenders: Spenders;
  days: Days;
  /** True if the hive knows what a model costs. */
  hasPrice(model: string): boolean;
  /** How the operator adds a price, as a clause. */
  howToPrice: string;
  /**
   * What usage and turns have of a day, an open turn or a change: the sum begins with it. Undefined for nothing.
   */
  spentBefore(scope: ScopeKey, period: string): SpentBefore | undefined;
  /** Called after a limit has stopped an agent, or lets it go on. */
  changed(agentId: string): void;
  onUnexpected(error: unknown): void;
  now(): number;
}

/**
 * What agents spend, and whether one may go on. A limit that is reached stops the agents of its scope and no other. It
 * may be passed by what is in flight at that moment.
 */
export class Budgets implements Service {
  readonly #deps: BudgetDeps;
  readonly #meter: Meter;
  readonly limits: LimitsSet;
  readonly standings: Standings;
  readonly #stops = new Map<string, Stop>();
  /** By agent: the nearest end of a period in which a limit is reached or nearly so, and which limits those are. */
  readonly #near = new Map<string, { ends: number; limits: string }>();
  /** Limits of several agents that are reached, by their scope. */
  readonly #shared = new Map<ScopeKey, Stop>();
  /** The agents in a turn that has begun under this daemon. What it has spent is in its row, until it ends. */
  readonly #inTurn = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(deps: BudgetDeps) {
    this.#deps = deps;
    const { store, days, now } = deps;
    const { budgets } = store;
    this.limits = new LimitsSet(budgets.limits(), budgets.decisions());
    this.#meter = new Meter({
      ...deps,
      store: {
        spent: (scope, period) => budgets.spent(scope, period) ?? deps.spentBefore(scope, period),
        remove: (scope, period) => store.write(() => budgets.removeSpent(scope, period)),
        store: (rows) =>
          store.write(() => {
            for (const row of rows) budgets.spend(row);
          }),
      },
    });
    this.standings = new Standings({ limits: this.limits, meter: this.#meter, days, now });
  }

  /** Finds what the last daemon has stopped. */
  start(): void {
    this.refresh();
  }

  stop(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** Counts the usage of an answer. To be called before it is metered for its turn and stored: sums begin with these. */
  spend(agentId: string, credential: string, used: { output: number; input: number; costUsd: number }): void {
    const changes = this.#deps.spenders.byId(agentId)?.changes ?? [];
    this.#meter.add([agentScope(agentId), ...changes.map(changeScope), credentialScope(credential), HIVE], used);
    this.refresh(agentId, credential);
  }

  /** A turn of an agent begins. What its last one has spent does not count for it. */
  began(agentId: string): void {
    this.#inTurn.add(agentId);
    this.#meter.clearTurn(agentScope(agentId));
    const credential = this.#deps.spenders.byId(agentId)?.credential ?? DEFAULT_CREDENTIAL;
    this.#meter.addTurn([agentScope(agentId), credentialScope(credential), HIVE]);
    this.refresh(agentId, credential);
  }

  /** A turn has ended and its message comes back: what it has spent is kept until the message is served again. */
  cameBack(agentId: string): void {
    this.#inTurn.delete(agentId);
    this.refresh(agentId);
  }

  /** A turn has ended and its message does not come back, so the next one has a budget of its own. */
  ended(agentId: string): void {
    const { store, onUnexpected } = this.#deps;
    this.#inTurn.delete(agentId);
    const scope = agentScope(agentId);
    this.#meter.clearTurn(scope);
    const decision = this.limits.decision(scope, "cost_per_turn_usd");
    if (decision && (decision.extra > 0 || decision.stoppedFor !== "")) {
      const row = this.limits.decide(scope, "cost_per_turn_usd", { ...decision, extra: 0, extraFor: "", stoppedFor: "" });
      store.write(() => store.budgets.decide(row)).catch(onUnexpected);
    }
    this.refresh(agentId);
  }

  /** Why an agent gets no further turn; undefined if it does. */
  stopOf(agentId: string): Stop | undefined {
    return this.#stops.get(agentId);
  }

  /** The limits of several agents that are reached: the hive's first, then those of credentials. */
  get sharedStops(): Stop[] {
    return [...this.#shared.values()];
  }

  /** True if a request of the agent can pass a limit. */
  isLimited(agentId: string): boolean {
    const agent = this.#deps.spenders.byId(agentId);
    return agent !== undefined && this.standings.isLimited(agent);
  }

  /**
   * Throws `rate_limited` if an agent may not send a request to the model now, and `bad_request` if a limit needs a price
   * that the model does not have.
   */
  checkRequest(agentId: string, model: string): void {
    const standings = this.#of(agentId);
    const stop = standings.find(({ kind, isReached }) => isReached && !isOfTurns(kind));
    if (stop) throw new HiveError("rate_limited", stopWords(stop));
    const cost = standings.find(({ kind, isLifted }) => isCost(kind) && !isLifted);
    if (cost && !this.#deps.hasPrice(model))
      throw new HiveError(
        "bad_request",
        `the model ${model} has no price, which a budget of ${budgetLimit(cost.kind, cost.limit)} needs: ${this.#deps.howToPrice}, or limit tokens instead`,
      );
  }

  /** A change has ended: its limits and what was decided about them are forgotten. */
  changeEnded(change: number): void {
    this.#forget(changeScope(change));
  }

  /** An agent was destroyed: nothing stops it now. One that cannot be revived is forgotten with its limits. */
  agentEnded(agentId: string, isPurged: boolean): void {
    this.#stops.delete(agentId);
    this.#near.delete(agentId);
    this.#inTurn.delete(agentId);
    this.standings.forget(agentId);
    if (isPurged) this.#forget(agentScope(agentId));
    this.#arm();
  }

  #forget(scope: ScopeKey): void {
    const { store, onUnexpected } = this.#deps;
    this.#meter.forget(scope);
    const hadLimits = this.limits.has(scope);
    this.limits.forget(scope);
    if (hadLimits || agentIn(scope) !== undefined) store.write(() => store.budgets.forget(scope)).catch(onUnexpected);
  }

  /** Sentences about limits that are nearly reached: the agent's own, and those that it shares. */
  warnings(agentId: string): string[] {
    return this.#of(agentId)
      .filter(({ isNear, isReached }) => isNear && !isReached)
      .map(nearWords);
  }

  /**
   * Checks the limits of one agent again, or of all. To be called after something has changed that they depend on.
   * `credential` is the one that was used, if it may be another than that of the agent's next request.
   */
  refresh(agentId?: string, credential?: string): void {
    const { spenders } = this.#deps;
    const one = agentId === undefined ? undefined : spenders.byId(agentId);
    let changed = this.#refreshShared(HIVE, this.standings.ofHive());
    const check = (name: string | undefined): void => {
      if (name !== undefined && this.#refreshShared(credentialScope(name), this.standings.ofCredential(name))) changed = true;
    };
    if (agentId === undefined) for (const name of this.limits.credentials()) check(name);
    else {
      check(one?.credential);
      if (credential !== one?.credential) check(credential);
    }
    if (changed || agentId === undefined) for (const id of this.#everyone()) this.#refreshOne(id);
    else this.#refreshOne(agentId);
    this.#arm();
  }

  /**
   * The agents that spend, and those that something is known of: an agent whose first deploy runs is in no list, and one
   * whose deploy failed is never said to have ended.
   */
  #everyone(): Set<string> {
    return new Set([...this.#deps.spenders.all().map(({ id }) => id), ...this.#stops.keys(), ...this.#near.keys()]);
  }

  /** Checks the limits of a scope of several agents. Returns true if they stop their agents, or no longer do. */
  #refreshShared(key: ScopeKey, standings: readonly Standing[]): boolean {
    const [before, stop] = [this.#shared.get(key), stopIn(standings)];
    if (stop) this.#shared.set(key, stop);
    else this.#shared.delete(key);
    return !isSameStop(before, stop);
  }

  #refreshOne(agentId: string): void {
    if (!this.#deps.spenders.byId(agentId)) {
      // Otherwise the end of its period, once it has passed, would be the nearest one for ever.
      this.#stops.delete(agentId);
      this.#near.delete(agentId);
      return;
    }
    const all = this.#of(agentId);
    const ofTurn = all.find(({ kind }) => kind === "cost_per_turn_usd");
    this.#meter.keepTurn(agentScope(agentId), ofTurn !== undefined && (ofTurn.isReached || !this.#inTurn.has(agentId)));
    const before = this.#stops.get(agentId);
    const wereNear = this.#near.get(agentId)?.limits;
    const stop = stopIn(all);
    if (stop) this.#stops.set(agentId, stop);
    else this.#stops.delete(agentId);
    const near = all.filter(({ isNear }) => isNear);
    if (near.length === 0) this.#near.delete(agentId);
    else {
      const limits = near.map(({ key, kind }) => `${key} ${kind}`).join();
      this.#near.set(agentId, { ends: near.reduce((nearest, one) => Math.min(nearest, one.ends ?? Infinity), Infinity), limits });
    }
    if (!isSameStop(before, stop) || wereNear !== this.#near.get(agentId)?.limits) this.#deps.changed(agentId);
  }

  /** Sets one timer for the nearest end of a period in which a limit is reached or nearly so. Otherwise there is none. */
  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    let nearest = Infinity;
    for (const { ends } of this.#near.values()) nearest = Math.min(nearest, ends);
    if (nearest === Infinity) return;
    this.#timer = setTimeout(() => this.refresh(), new Moment(nearest, this.#deps.now).pause);
    this.#timer.unref();
  }

  #of(agentId: string): readonly Standing[] {
    const agent = this.#deps.spenders.byId(agentId);
    return agent ? this.standings.all(agent) : [];
  }
}
