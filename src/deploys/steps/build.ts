import { rm } from "node:fs/promises";
import { buildLog } from "../build-log.ts";
import type { Step, WithAgent, WithLock } from "./step.ts";

/**
 * Lets the platform build the candidate. Nothing that runs has changed yet, so a build that fails or is cancelled
 * changes nothing. The build is kept in the platform's own store, by a link next to the generation's folder.
 */
export const buildStep: Step<WithAgent & WithLock> = {
  name: "build",
  state: "building",
  async do({ context, row, id, agent, candidate, ended }) {
    const log = buildLog(context.paths.buildLog(id), context.onUnexpected);
    await log.begin();
    try {
      const folder = context.paths.agent(agent.id).generation(id);
      const build = { agent: row.name, request: id, folder, candidate };
      await context.platform.build(build, { signal: ended, log: (text) => log.write(text) });
      ended.throwIfAborted();
    } finally {
      await log.close();
    }
    return {};
  },
  async undo({ context, agent, id }) {
    await rm(context.paths.agent(agent.id).system(id), { force: true });
  },
};
