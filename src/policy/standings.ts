import type { ScopeKey } from "../store/budgets.ts";
import type { Days } from "./days.ts";
import { effectiveLimits, type Limit } from "./effective.ts";
import type { LimitsSet } from "./limits-set.ts";
import type { Meter } from "./meter.ts";
import type { StoppingKind } from "./periods.ts";
import { agentScope, DEFAULT, HIVE, type Spender } from "./spender.ts";
import { verdictOf, type Verdict } from "./verdict.ts";

/** A limit that stops agents, and how it stands in the running period. Times are milliseconds since the epoch. */
export interface Standing extends Verdict {
  scope: "agent" | "hive";
  key: ScopeKey;
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

/** Compares what is spent with the limits. */
export class Standings {
  readonly #deps: StandingsDeps;

  constructor(deps: StandingsDeps) {
    this.#deps = deps;
  }

  /** All limits of an agent, those that stop nothing too. */
  limitsOf(agent: Spender): Limit[] {
    const { limits } = this.#deps;
    return effectiveLimits(limits.of(agentScope(agent.id)), agent.budget ?? {}, limits.of(DEFAULT));
  }

  /** The limits of an agent alone. */
  ofAgent(agent: Spender): Standing[] {
    return this.#standings("agent", agentScope(agent.id), this.limitsOf(agent));
  }

  /** The limits of the sum of all agents. */
  ofHive(): Standing[] {
    return this.#standings("hive", HIVE, this.limitsOfHive());
  }

  limitsOfHive(): Limit[] {
    return effectiveLimits(this.#deps.limits.of(HIVE), {}, {});
  }

  #standings(scope: Standing["scope"], key: ScopeKey, limits: readonly Limit[]): Standing[] {
    const { meter, days, now } = this.#deps;
    const standings: Standing[] = [];
    if (limits.length === 0) return standings;
    const { date } = days.at(now());
    for (const { kind, value, from } of limits) {
      if (kind === "messages_per_minute") continue;
      const { used, period, at } = meter.read(key, kind);
      const decision = this.#deps.limits.decision(key, kind);
      standings.push({
        ...verdictOf(value, used, period.label, date, decision),
        scope,
        key,
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
