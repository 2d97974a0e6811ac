import { stateOf } from "../../agents/agent.ts";
import { unknownAgent } from "../../../wire/error.ts";
import type { Step, WithAgent } from "./step.ts";

/** Whether a request brings an agent into being: there is none yet that could be told to be otherwise. */
function makesAgent(origin: string, kind: string): boolean {
  return kind === "spawn" && origin !== "revive";
}

/** Finds the agent, or makes the one that a spawn is for. Nobody sees it before its first deploy has succeeded. */
export const agentStep: Step<object, WithAgent> = {
  name: "agent",
  state: "building",
  async do(deploy, keep) {
    const { world, book, row } = deploy;
    let found: WithAgent;
    if (makesAgent(row.origin, row.kind)) {
      found = { agent: world.swarm.unbornOf(row.name) ?? (await world.swarm.conceive(row.name)), made: true };
    } else {
      const agent = row.agent === null ? undefined : world.swarm.byId(row.agent);
      if (!agent || (agent.destroyed && row.origin !== "revive")) throw unknownAgent(row.name);
      found = { agent, made: false };
    }
    keep(found);
    const { agent } = found;
    stateOf(agent).deploy.request = row.id;
    const previous = agent.record.deployedRequest ?? null;
    deploy.row = await world.store.write((tx) => book.note(tx, row.id, { agent: agent.id, previous }));
    return found;
  },
  async undo({ world, agent, made }) {
    if (!agent) return;
    stateOf(agent).deploy.request = undefined;
    if (made === true) await world.swarm.miscarry(agent);
    else world.changed(agent);
  },
};
