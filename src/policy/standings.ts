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
  limits: Pick<LimitsSet, "of" | "decision">;
  meter: Pick<Meter, "read">;
  days: Pick<Days, "at">;
  now(): number;
}

/** The limits of a subject, and what they were made of. */
interface Known {
  from: readonly [operator: Budget, config: Budget, byDefault: Budget];
  limits: readonly Limit[];
}

/** Compares what is spent with the limits. */
export class Standings {
  readonly #deps: StandingsDeps;
  /** Each request asks several times, and limits change rarely. */
  readonly #known = new Map<ScopeKey, Known>();

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
  all(agent: Spender): Standing[] {
    return [
      ...this.ofAgent(agent),
      ...agent.changes.flatMap((change) => this.ofChange(agent, change)),
      ...this.ofCredential(agent.credential),
      ...this.ofHive(),
    ];
  }

  /** True if a limit that counts answers can stop an agent: what `all` finds, without what is used. */
  isLimited(agent: Spender): boolean {
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
