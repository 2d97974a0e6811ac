import { MANAGER } from "../../../wire/names.ts";
import { agentOf, type Step } from "./step.ts";

/** Makes the manager's side of an agent's config. The manager itself has none: it cannot propose its own. */
export const proposedStep: Step = {
  name: "proposed",
  state: "building",
  async do(deploy) {
    const { world, row } = deploy;
    const manager = world.swarm.manager();
    if (agentOf(deploy).name === MANAGER || !manager) return;
    await world.repos.ensureProposed(row.name, row.sha, manager.record.identity);
  },
  async undo(deploy) {
    // What the manager has of an agent that is there stays its own.
    if (deploy.made === true && deploy.row.name !== MANAGER) await deploy.world.repos.removeProposed(deploy.row.name);
  },
};
