import { MANAGER } from "../../wire/names.ts";
import type { Step, WithAgent } from "./step.ts";

/**
 * Creates the manager's repository for an agent's config. The manager has none for itself: it cannot propose its own
 * config.
 */
export const proposedStep: Step<WithAgent> = {
  name: "proposed",
  state: "building",
  async do({ context, row, agent }) {
    const manager = context.swarm.manager();
    if (agent.name !== MANAGER && manager) await context.repos.ensureProposed(row.name, row.sha, manager.record.identity);
    return {};
  },
  async undo({ context, row, made }) {
    // The manager keeps its repository of an existing agent.
    if (made && row.name !== MANAGER) await context.repos.removeProposed(row.name);
  },
};
