import type { AgentRecord } from "../store/agents.ts";
import type { AgentStore } from "./swarm.ts";
import { stateOf, type Agent } from "./agent.ts";

/** The owner of the agents' records in memory. They follow the stored ones. */

/** Changes an agent's record in memory at once. Resolves when it is on stable storage. */
export async function saveRecord(store: Pick<AgentStore, "update">, agent: Agent, patch: Partial<AgentRecord>): Promise<void> {
  recordCommitted(agent, patch);
  await store.update(agent.id, patch);
}

/** Applies a change that a transaction has stored to the record in memory. */
export function recordCommitted(agent: Agent, patch: Partial<AgentRecord>): void {
  const { record } = stateOf(agent);
  record.current = { ...record.current, ...patch };
}
