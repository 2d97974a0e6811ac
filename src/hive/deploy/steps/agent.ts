import { stateOf } from "../../agents/agent.ts";
import { unknownAgent } from "../../../wire/error.ts";
import type { Step } from "./step.ts";

/** Whether a request brings an agent into being: there is none yet that could be told to be otherwise. */
function makesAgent(origin: string, kind: string): boolean {
  return kind === "spawn" && origin !== "revive";
}

/** Finds the agent, or makes the one that a spawn is for. Nobody sees it before its first deploy has succeeded. */
export const agentStep: Step = {
  name: "agent",
  state: "building",
  async do(deploy) {
    const { world, row, book } = deploy;
    if (makesAgent(row.origin, row.kind)) {
      deploy.made = true;
      deploy.agent = world.swarm.unbornOf(row.name) ?? (await world.swarm.conceive(row.name));
    } else {
      const agent = row.agent === null ? undefined : world.swarm.byId(row.agent);
      if (!agent || (agent.destroyed && row.origin !== "revive")) throw unknownAgent(row.name);
      deploy.agent = agent;
    }
    const { agent } = deploy;
    stateOf(agent).deploy.request = row.id;
    const previous = agent.record.deployedRequest ?? null;
    deploy.row = await world.store.write((tx) => book.note(tx, row.id, { agent: agent.id, previous }));
  },
  async undo(deploy) {
    const { agent, world } = deploy;
    if (!agent) return;
    stateOf(agent).deploy.request = undefined;
    if (deploy.made === true) await world.swarm.miscarry(agent);
    else world.changed(agent);
  },
};
