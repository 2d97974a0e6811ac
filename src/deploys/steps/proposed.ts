import { MANAGER } from "../../wire/names.ts";
import type { Step, WithAgent } from "./step.ts";

/** Makes the manager's side of an agent's config. The manager itself has none: it cannot propose its own. */
export const proposedStep: Step<WithAgent> = {
  name: "proposed",
  state: "building",
  async do({ context, row, agent }) {
    const manager = context.swarm.manager();
    if (agent.name !== MANAGER && manager) await context.repos.ensureProposed(row.name, row.sha, manager.record.identity);
    return {};
  },
  async undo({ context, row, made }) {
    // What the manager has of an agent that is there stays its own.
    if (made && row.name !== MANAGER) await context.repos.removeProposed(row.name);
  },
};
