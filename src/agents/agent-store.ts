import type { Store } from "../store/store.ts";
import type { AgentStore } from "./swarm.ts";

/** The agents' records in the hive's store. */
export function agentStore(store: Store): AgentStore {
  return {
    all: store.agents.all,
    insert: (make) => store.write(() => store.agents.insert(make)),
    update: (id, patch) => store.write(() => store.agents.update(id, patch)),
  };
}
