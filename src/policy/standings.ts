import type { ScopeKey } from "../store/budgets.ts";
import type { BudgetScope } from "../wire/budget.ts";
import { isOfChange, type BudgetKind } from "../wire/budget-kinds.ts";
import type { Days } from "./days.ts";
import { effectiveLimits, type Limit } from "./effective.ts";
import type { Budget } from "../wire/budget.ts";
import { NO_LIMITS, type LimitsSet } from "./limits-set.ts";
import type { Meter } from "./meter.ts";
import { isOfTurns, type StoppingKind } from "./periods.ts";
import { agentScope, changeScope, credentialScope, DEFAULT, HIVE, type Spender } from "./spender.ts";
import { verdictOf, type Verdict } from "./verdict.ts";

/** Whose limits stop: of an agent, of one of its changes, of the agents of a credential, or of all. */
export interface Subject {
  scope: Exclude<BudgetScope, "default">;
  key: ScopeKey;
  /** The credential or the change. */
  credential?: string | undefined;
  change?: number | undefined;
}

/** A limit that stops agents, and how it stands in the running period. Times are milliseconds since the epoch. */
export interface Standing extends Verdict, Subject {
  kind: StoppingKind;
  limit: number;
  from: Limit["from"];
  /** The running period, and its end if the clock ends it. */
  period: string;
  ends: number | undefined;
  /** When `used` last changed. */
  at: number;
  /** Who has decided that the agents of the scope wait until the period ends. */
  stoppedBy: string | undefined;
}

export interface StandingsDeps {
  limits: Pick<LimitsSet, "of" | "decision" | "version">;
  meter: Pick<Meter, "read" | "version">;
  days: Pick<Days, "at">;
  now(): number;
}

/** The limits of a subject, and what they were made of. */
interface Known {
  from: readonly [operator: Budget, config: Budget, byDefault: Budget];
  limits: readonly Limit[];
}

/** What was found for an agent, and for what. It holds while all of this is the same. */
interface Found<T> {
  of: Pick<Spender, "budget" | "credential" | "changes">;
  limits: number;
  /** Undefined if it does not depend on what is spent. */
  meter?: number;
  value: T;
}

/** Compares what is spent with the limits. */
export class Standings {
  readonly #deps: StandingsDeps;
  /** Each request asks several times, and limits change rarely. */
  readonly #known = new Map<ScopeKey, Known>();
  /** By agent. A request asks for what the answer before it has found. */
  readonly #all = new Map<string, Found<readonly Standing[]>>();
  readonly #limited = new Map<string, Found<boolean>>();

  constructor(deps: StandingsDeps) {
    this.#deps = deps;
  }

  /** All limits that an agent has, those of each of its changes and those that stop nothing too. */
  limitsOf(agent: Spender): readonly Limit[] {
    return this.#limits(agentScope(agent.id), agent.budget ?? NO_LIMITS, this.#deps.limits.of(DEFAULT));
  }

  /** The limits of an agent alone. */
  ofAgent(agent: Spender): Standing[] {
    const own = this.limitsOf(agent).filter(({ kind }) => !isOfChange(kind));
    return this.#standings({ scope: "agent", key: agentScope(agent.id) }, own);
  }

  /** The limits of a change that an agent works on. Those that are set for it come before those of the agent's changes. */
  ofChange(agent: Spender, change: number): Standing[] {
    const { limits } = this.#deps;
    const key = changeScope(change);
    const operator = { ...limits.of(agentScope(agent.id)), ...limits.of(key) };
    const all = effectiveLimits(operator, agent.budget ?? {}, limits.of(DEFAULT)).filter(({ kind }) => isOfChange(kind));
    return this.#standings({ scope: "change", key, change }, all);
  }

  /** The limits of the sum of all agents that use a credential. */
  ofCredential(credential: string): Standing[] {
    const key = credentialScope(credential);
    return this.#standings({ scope: "credential", key, credential }, this.#limits(key));
  }

  /** The limits of the sum of all agents. */
  ofHive(): Standing[] {
    return this.#standings({ scope: "hive", key: HIVE }, this.#limits(HIVE));
  }

  /** Every limit that can stop an agent: its own first, then those of its changes, of its credential and of the hive. */
  all(agent: Spender): readonly Standing[] {
    return this.#found(this.#all, agent, this.#deps.meter.version, () => [
      ...this.ofAgent(agent),
      ...agent.changes.flatMap((change) => this.ofChange(agent, change)),
      ...this.ofCredential(agent.credential),
      ...this.ofHive(),
    ]);
  }

  /** True if a limit that counts answers can stop an agent: what `all` finds, without what is used. */
  isLimited(agent: Spender): boolean {
    return this.#found(this.#limited, agent, undefined, () => this.#canStop(agent));
  }

  /** Forgets an agent that has ended. */
  forget(agentId: string): void {
    this.#all.delete(agentId);
    this.#limited.delete(agentId);
    this.#known.delete(agentScope(agentId));
  }

  /** What was found for an agent before, or what `find` finds now. */
  #found<T>(before: Map<string, Found<T>>, agent: Spender, meter: number | undefined, find: () => T): T {
    const limits = this.#deps.limits.version;
    const known = before.get(agent.id);
    if (known?.limits === limits && known.meter === meter) {
      const { budget, credential, changes } = known.of;
      if (budget === agent.budget && credential === agent.credential && isSame(changes, agent.changes)) return known.value;
    }
    const value = find();
    before.set(agent.id, {
      of: { ...agent, changes: [...agent.changes] },
      limits,
      ...(meter === undefined ? {} : { meter }),
      value,
    });
    return value;
  }

  #canStop(agent: Spender): boolean {
    const counts = ({ kind }: { kind: BudgetKind }): boolean => kind !== "messages_per_minute" && !isOfTurns(kind);
    const hasChange = agent.changes.length > 0;
    if (this.limitsOf(agent).some((one) => counts(one) && (hasChange || !isOfChange(one.kind)))) return true;
    const shared = [HIVE, credentialScope(agent.credential), ...agent.changes.map(changeScope)];
    return shared.some((key) => this.#limits(key).some(counts));
  }

  /** The limits that count for a subject. */
  #limits(key: ScopeKey, config = NO_LIMITS, byDefault = NO_LIMITS): readonly Limit[] {
    const operator = this.#deps.limits.of(key);
    const known = this.#known.get(key);
    if (known?.from[0] === operator && known.from[1] === config && known.from[2] === byDefault) return known.limits;
    const limits = effectiveLimits(operator, config, byDefault);
    this.#known.set(key, { from: [operator, config, byDefault], limits });
    return limits;
  }

  #standings(subject: Subject, limits: readonly Limit[]): Standing[] {
    const { meter, days, now } = this.#deps;
    const standings: Standing[] = [];
    if (limits.length === 0) return standings;
    const { date } = days.at(now());
    for (const { kind, value, from } of limits) {
      if (kind === "messages_per_minute") continue;
      const { used, period, at } = meter.read(subject.key, kind);
      const decision = this.#deps.limits.decision(subject.key, kind);
      // Without spreads: each request makes several.
      const { allowed, extra, isLifted, isReached, isNear } = verdictOf(value, used, period.label, date, decision);
      const { scope, key, credential, change } = subject;
      standings.push({
        scope,
        key,
        credential,
        change,
        used,
        allowed,
        extra,
        isLifted,
        isReached,
        isNear,
        kind,
        limit: value,
        from,
        period: period.label,
        ends: period.ends,
        at,
        stoppedBy: decision?.stoppedFor === period.label ? decision.by : undefined,
      });
    }
    return standings;
  }
}

const isSame = (one: readonly number[], other: readonly number[]): boolean =>
  one.length === other.length && one.every((value, at) => value === other[at]);
