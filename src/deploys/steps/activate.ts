import { readConfigTree } from "../../agents/config-tree.ts";
import { cageLogTail } from "../cage-log.ts";
import type { Step, WithAgent, WithWhereabouts } from "./step.ts";

/**
 * Starts the new generation and waits for its confirmation over its own socket. The old cage ends here. If the new one
 * does not confirm, the old generation starts again.
 */
export const activateStep: Step<WithAgent, WithWhereabouts> = {
  name: "activate",
  state: "activating",
  async do({ context, id, ended, agent }, keep) {
    let was = context.cages.whereabouts(agent);
    const expected = context.confirmations.expect(agent.id);
    try {
      await context.cages.trial(agent, {
        nonce: expected.nonce,
        confirmed: expected.confirmed,
        withinMs: context.confirmMs,
        ended,
        leaving: (where) => keep({ was: (was = where) }),
        switched: () => agent.switchTo(id, readConfigTree(context.paths.agent(agent.id).generation(id))),
      });
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      const tail = await cageLogTail(context.paths.agent(agent.id).log);
      throw new Error(tail === "" ? words : `${words}\n\nthe last lines of its log:\n${tail}`, { cause: error });
    } finally {
      expected.drop();
    }
    return { was };
  },
  async undo({ context, agent, made, was }) {
    // Nothing has been changed.
    if (was === undefined) return;
    const before = agent.record.generation;
    await context.cages.restore(agent, made || agent.destroyed ? "stopped" : was, {
      keepsRunning: false,
      reason: "restored after a failed deploy",
      switched: () => agent.switchTo(before, readConfigTree(context.paths.agent(agent.id).generation(before))),
    });
  },
};
