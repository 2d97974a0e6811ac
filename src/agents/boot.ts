import type { Broker } from "../messages/broker.ts";
import { HiveError } from "../wire/error.ts";
import type { Agent } from "./agent.ts";
import type { Cages } from "./cages.ts";
import type { Harnesses } from "./harnesses.ts";
import { hasResidentServer } from "./sleep.ts";
import type { Swarm } from "./swarm.ts";

export interface AgentBootDeps {
  agents: Pick<Swarm, "all">;
  cages: Pick<Cages, "adopt" | "start" | "stop" | "leaveAsleep" | "leaveFailed" | "leaveParked" | "leaveStopped">;
  harnesses: Pick<Harnesses, "serve" | "expect">;
  broker: Pick<Broker, "hasMail">;
  onUnexpected(error: unknown): void;
}

/**
 * Brings up the agents when the daemon starts. It adopts the cages that still run, and starts the agents that have mail
 * or a resident server. The others are left asleep: they cost nothing and start with their next message. An agent that
 * fails does not stop the others from starting.
 */
export async function bootAgents(deps: AgentBootDeps): Promise<void> {
  const { agents, cages, onUnexpected } = deps;
  await Promise.all(
    agents.all().map((agent) =>
      bootOne(deps, agent).catch((error: unknown) => {
        onUnexpected(error);
        cages.leaveParked(agent, `it could not be brought up: ${error instanceof Error ? error.message : String(error)}`);
      }),
    ),
  );
}

async function bootOne({ cages, harnesses, broker, onUnexpected }: AgentBootDeps, agent: Agent): Promise<void> {
  harnesses.serve(agent);
  if (await cages.adopt(agent)) {
    harnesses.expect(agent);
    // The last daemon ended before it had stopped this agent.
    if (agent.record.desired !== "running")
      await cages.stop(agent, { graceful: false, reason: "it was being stopped when the daemon ended" });
    return;
  }
  if (agent.record.desired !== "running") return cages.leaveStopped(agent);
  if (agent.unreadable !== undefined) return cages.leaveFailed(agent, agent.unreadable);
  const needed = broker.hasMail(agent.id) || hasResidentServer(agent);
  if (!needed) return cages.leaveAsleep(agent);
  await cages.start(agent, "start-up").catch((error: unknown) => {
    // `start` itself reports a cage that cannot be built.
    if (!(error instanceof HiveError)) onUnexpected(error);
  });
}
