import type { Broker } from "../messages/broker.ts";
import type { Agent } from "./agent.ts";
import type { AgentBus } from "./events.ts";

export interface SleepDeps {
  /** How long an agent is idle before its process ends. Milliseconds. */
  afterMs: number;
  broker: Pick<Broker, "offerSleep">;
  bus: Pick<AgentBus, "emit">;
}

/** Ends the process of an agent that has been idle for a while. Mail starts it again. */
export class Sleep {
  readonly #deps: SleepDeps;
  readonly #timers = new WeakMap<Agent, NodeJS.Timeout>();

  constructor(deps: SleepDeps) {
    this.#deps = deps;
  }

  /** The agent has become idle: starts its timer. An agent with a resident tool server stays awake. */
  idle(agent: Agent): void {
    this.busy(agent);
    if (hasResidentServer(agent) || agent.residentServers > 0) return;
    const timer = setTimeout(() => this.#try(agent), this.#deps.afterMs);
    timer.unref();
    this.#timers.set(agent, timer);
  }

  /** The agent has work: stops its timer. */
  busy(agent: Agent): void {
    clearTimeout(this.#timers.get(agent));
    this.#timers.delete(agent);
  }

  #try(agent: Agent): void {
    const { broker, bus } = this.#deps;
    if (agent.phase.at === "running" && !agent.held && broker.offerSleep(agent.id)) bus.emit("harness_dozing", agent);
  }
}

/** True if the agent's config has a tool server that must always run. */
export function hasResidentServer(agent: Pick<Agent, "config">): boolean {
  return Object.values(agent.config.extraMcpServers).some((server) => server.resident);
}
