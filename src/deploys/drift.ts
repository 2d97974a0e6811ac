import type { Ledger } from "../config-repos/types.ts";
import { stateOf, type Agent } from "../agents/agent.ts";
import type { DeployContext } from "./deploy-context.ts";

/**
 * Describes how the running, the locked and the recorded config of an agent differ. Undefined if they are the same.
 * During a deploy they differ by design.
 */
export function driftOf(agent: Agent, ledger: Ledger, trees: { deployed: string | undefined }): string | undefined {
  if (agent.deploying !== undefined || agent.isDraft || agent.destroyed) return undefined;
  const { deployedSha, generation, hyperhive } = agent.record;
  const entry = ledger[agent.name];
  if (deployedSha === undefined) return "its config is not locked in the deploy ledger: rebuild it";
  if (!entry) return `${deployedSha.slice(0, 12)} runs, but the deploy ledger does not name it`;
  if (entry.rev !== deployedSha)
    return `the deploy ledger locks ${entry.rev.slice(0, 12)}, and ${deployedSha.slice(0, 12)} is what was deployed`;
  if (trees.deployed !== undefined && entry.tree !== trees.deployed)
    return "the deploy ledger locks another tree than was deployed";
  if (entry.hyperhive !== hyperhive) return "the deploy ledger locks another hyperhive than it was deployed with";
  const running = agent.phase.at === "running" ? agent.harness?.generation : undefined;
  if (running !== undefined && running !== generation)
    return `generation ${running} runs, and ${generation} is what was deployed`;
  return undefined;
}

/** Compares every agent with the ledger and records the drift on the agents. Resolves with the agents that drift. */
export async function checkDrift(context: DeployContext): Promise<Agent[]> {
  const ledger = await context.repos.meta.ledger(await context.repos.meta.head());
  const differ: Agent[] = [];
  for (const agent of context.swarm.all()) {
    const { deployedRequest } = agent.record;
    const deployed = deployedRequest === undefined ? undefined : context.store.approvals.byId(deployedRequest)?.tree;
    const drift = driftOf(agent, ledger, { deployed });
    if (drift !== undefined) differ.push(agent);
    else if (!agent.deploying) await context.announcements.announceEnd("in_step", agent.name);
    if (drift === agent.drift) continue;
    stateOf(agent).deploy.drift = drift;
    context.bus.emit("changed", agent);
    if (drift !== undefined) await context.announcements.announce({ event: "drifted", agent: agent.name, reason: drift });
  }
  return differ;
}
