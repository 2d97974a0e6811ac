import type { AgentRecord } from "../store/agents.ts";
import type { AgentStore } from "./swarm.ts";
import { stateOf, type Agent } from "./agent.ts";

/** The one owner of the agents' records in memory: they follow what is stored. */

/** Changes an agent's record, in memory at once; resolves when it is on stable storage. */
export async function saveRecord(store: Pick<AgentStore, "update">, agent: Agent, patch: Partial<AgentRecord>): Promise<void> {
  recordCommitted(agent, patch);
  await store.update(agent.id, patch);
}

/** Takes over a change of an agent's record that a transaction has stored. */
export function recordCommitted(agent: Agent, patch: Partial<AgentRecord>): void {
  const { record } = stateOf(agent);
  record.current = { ...record.current, ...patch };
}
