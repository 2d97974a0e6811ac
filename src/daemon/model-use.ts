import type { Usage, UpstreamSignal } from "../gateway/model/dialect.ts";
import type { Agent } from "../agents/agent.ts";
import type { AgentBus } from "../agents/events.ts";
import type { Swarm } from "../agents/swarm.ts";
import type { Broker } from "../messages/broker.ts";
import type { Turns } from "../agents/turns.ts";
import type { Budgets } from "../policy/budgets.ts";
import type { SharedLimit } from "../policy/shared-limit.ts";
import { DEFAULT_CREDENTIAL } from "../wire/default-credential.ts";
import { instant } from "../wire/instant.ts";
import type { PlanView } from "../wire/plan.ts";
import type { Metrics } from "./metrics.ts";
import type { Telemetry } from "./otlp/telemetry.ts";
import type { UsageToday } from "./usage.ts";

export interface ModelUseDeps {
  agents: Pick<Swarm, "byId">;
  turns: Pick<Turns, "meter">;
  usage: Pick<UsageToday, "add">;
  broker: Pick<Broker, "chainOf">;
  budgets: Pick<Budgets, "spend">;
  /** Absent where nothing is exported. */
  telemetry?: Pick<Telemetry, "answered"> | undefined;
  sharedLimit: Pick<SharedLimit, "met" | "passed" | "endOf" | "release" | "forget">;
  metrics: Pick<Metrics, "modelRequests" | "metered">;
  bus: Pick<AgentBus, "emit">;
  onUnexpected(error: unknown): void;
}

/** Tracks the agents' model requests at the gateway: their usage, and the rate limits that the answers report. */
export class ModelUse {
  readonly #deps: ModelUseDeps;
  /** By agent: the end of its rate limit. Milliseconds since the epoch. */
  readonly #limited = new Map<string, number>();
  /** By credential: the limits of its plan. */
  readonly #plans = new Map<string, readonly PlanView[]>();

  constructor(deps: ModelUseDeps) {
    this.#deps = deps;
  }

  /** Counts the usage of an answer for the turn, the chain, the day, and the metrics. */
  add(used: Usage): void {
    const { agents, turns, usage, broker, budgets, telemetry, metrics, bus, onUnexpected } = this.#deps;
    const { output, input, cache_write } = used.tokens;
    // Before all that the sums of budgets begin with, which would have it twice.
    // What a cache serves costs a tenth and is no work of the model. What is written to one was read without it.
    budgets.spend(used.agentId, used.credential, { output, input: input + cache_write, costUsd: used.budgetUsd });
    const agent = agents.byId(used.agentId);
    const turn = agent && turns.meter(agent, used);
    void usage.add(used, turn, broker.chainOf(used.agentId)).catch(onUnexpected);
    const name = agent?.name ?? used.agentId;
    metrics.metered(name, used);
    telemetry?.answered(used, { agent: used.agentId, name, turn: turn?.turn });
    if (agent) {
      bus.emit("changed", agent);
    }
    bus.emit("changed", "hive");
  }

  /** Records the status of an answer. */
  signal({ kind, agentId, credential, resetsAt, plan }: UpstreamSignal): void {
    const { metrics, sharedLimit, bus } = this.#deps;
    metrics.modelRequests.inc({ outcome: kind });
    if (plan) {
      const views = plan.map(({ window, used, resetsAt: at }) => ({
        window,
        used,
        ...(credential === DEFAULT_CREDENTIAL ? {} : { credential }),
        ...(at === undefined ? {} : { resets_at: instant(at) }),
      }));
      this.#plans.set(credential, views);
      bus.emit("changed", "hive");
    }
    if (kind === "rate_limited" && resetsAt !== undefined) {
      this.#limited.set(agentId, resetsAt);
      sharedLimit.met(agentId, credential, resetsAt);
    } else if (kind === "ok") {
      this.#limited.delete(agentId);
      sharedLimit.passed(agentId, credential);
    }
  }

  /** The limits of the subscriptions, as the newest answer of each has told them: the hive's own first. */
  get plan(): readonly PlanView[] {
    const own = this.#plans.get(DEFAULT_CREDENTIAL) ?? [];
    const others = [...this.#plans].filter(([credential]) => credential !== DEFAULT_CREDENTIAL);
    others.sort(([a], [b]) => (a < b ? -1 : 1));
    return [...own, ...others.flatMap(([, views]) => views)];
  }

  /** A credential has another value, or is removed: what is known of its account is no longer true. */
  forget(credential: string): void {
    this.#deps.sharedLimit.forget(credential);
    if (this.#plans.delete(credential)) this.#deps.bus.emit("changed", "hive");
  }

  /** When the limit of another agent lets this one go on. Milliseconds since the epoch. */
  heldUntil(agent: Agent): number | undefined {
    return this.#deps.sharedLimit.endOf(agent.id);
  }

  /** The operator wants the agent to try at once. */
  release(agent: Agent): void {
    this.#deps.sharedLimit.release(agent.id);
  }

  /** When the agent's rate limit ends, if an answer said so. Milliseconds since the epoch. */
  limitEnds(agent: Agent): number | undefined {
    return this.heldUntil(agent) ?? this.#limited.get(agent.id);
  }
}
