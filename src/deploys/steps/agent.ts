import { stateOf } from "../../agents/agent.ts";
import { unknownAgent } from "../../wire/error.ts";
import type { Step, WithAgent } from "./step.ts";

/** True if a request creates an agent. */
function createsAgent(origin: string, kind: string): boolean {
  return kind === "spawn" && origin !== "revive";
}

/** Finds the agent, or creates it for a spawn. A new agent is not listed before its first deploy has succeeded. */
export const agentStep: Step<object, WithAgent> = {
  name: "agent",
  state: "building",
  async do(deploy, keep) {
    const { context, requestStore, row } = deploy;
    let found: WithAgent;
    if (createsAgent(row.origin, row.kind)) {
      found = { agent: context.swarm.draftOf(row.name) ?? (await context.swarm.createDraft(row.name)), made: true };
    } else {
      const agent = row.agent === null ? undefined : context.swarm.byId(row.agent);
      if (!agent || (agent.destroyed && row.origin !== "revive")) throw unknownAgent(row.name);
      found = { agent, made: false };
    }
    keep(found);
    const { agent } = found;
    stateOf(agent).deploy.request = row.id;
    const previous = agent.record.deployedRequest ?? null;
    deploy.row = await context.store.write((tx) => requestStore.note(tx, row.id, { agent: agent.id, previous }));
    return found;
  },
  async undo({ context, agent, made }) {
    if (!agent) return;
    stateOf(agent).deploy.request = undefined;
    if (made === true) await context.commands.discardDraft(agent);
    else context.bus.emit("changed", agent);
  },
};
