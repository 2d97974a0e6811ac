import { rm } from "node:fs/promises";
import { mountOwners } from "../../store/approvals.ts";
import { readConfigTree, writeGeneration } from "../../agents/config-tree.ts";
import { Agent } from "../../agents/agent.ts";
import { outsideComplaints } from "../mounts.ts";
import { writeProject } from "../project.ts";
import { rulesFor } from "../validate.ts";
import type { Step, WithAgent, WithFiles } from "./step.ts";

/**
 * Writes the new generation next to the running one, named after the request, and checks that a cage can be specified.
 */
export const generationStep: Step<WithAgent & WithFiles> = {
  name: "generation",
  state: "building",
  async do({ context, row, id, agent, files }) {
    const folder = context.paths.agent(agent.id).generation(id);
    await writeGeneration(folder, files);
    await writeProject(context, row, agent.id);
    // The agent as it would be. A cage that cannot be specified fails here, before the running one is changed.
    const trial = new Agent({ ...agent.record, generation: id }, readConfigTree(folder));
    if (trial.unreadable !== undefined) throw new Error(trial.unreadable);
    await context.specs.of(trial);
    // The host may have changed since the request. A config that ran before keeps the rules of its time.
    const problems = rulesFor(row.origin) === "request" ? await outsideComplaints(context, trial, files, mountOwners(row)) : [];
    if (problems.length > 0) throw new Error(problems.join("\n"));
    return {};
  },
  async undo({ context, agent, id }) {
    const own = context.paths.agent(agent.id);
    for (const folder of [own.generation(id), own.project(id)]) await rm(folder, { recursive: true, force: true });
  },
};
