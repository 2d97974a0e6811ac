import type { Agent } from "../agents/agent.ts";
import type { Swarm } from "../agents/swarm.ts";
import type { Directory, Principal } from "../messages/directory.ts";
import { MANAGER } from "../wire/names.ts";

/** The names of all agents, past and present, and the live ones among them. */
export function directoryOf(past: readonly { id: string; name: string }[], swarm: Swarm): Directory {
  const names = new Map(past.map((one) => [one.id, one.name]));
  const principal = (agent: Agent | undefined): Principal | undefined =>
    agent && !agent.destroyed && !agent.isDraft
      ? { id: agent.id, name: agent.name, allowed: agent.config.allowedRecipients }
      : undefined;
  return {
    // `manager` is another name for hm1nd.
    byName: (name) => principal(swarm.find(name === "manager" ? MANAGER : name)),
    byId: (id) => principal(swarm.byId(id)),
    live: () => swarm.all().flatMap((agent) => principal(agent) ?? []),
    nameOf: (id) => swarm.byId(id)?.name ?? names.get(id) ?? id,
  };
}

/**
 * The runtime revisions in use by cages. Undefined while the revision of an adopted cage is unknown: then none may be
 * removed.
 */
export function revisionsInUse(swarm: Pick<Swarm, "all">, current: string): Set<string> | undefined {
  const keep = new Set([current]);
  for (const agent of swarm.all()) {
    if (!("running" in agent.phase)) continue;
    if (agent.phase.revision === undefined) return undefined;
    keep.add(agent.phase.revision);
  }
  return keep;
}
