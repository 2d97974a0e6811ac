import { readConfigTree } from "../../agents/config-tree.ts";
import type { Step, WithAgent, WithWhereabouts } from "./step.ts";

/**
 * Starts the new generation and waits until it has confirmed over its own socket. What ran ends here; when the new one
 * does not confirm, what ran runs again.
 */
export const activateStep: Step<WithAgent, WithWhereabouts> = {
  name: "activate",
  state: "activating",
  async do({ world, id, ended, agent }, keep) {
    let was = world.cages.whereabouts(agent);
    const expected = world.confirmations.expect(agent.id);
    try {
      await world.cages.trial(agent, {
        nonce: expected.nonce,
        confirmed: expected.confirmed,
        withinMs: world.confirmMs,
        ended,
        leaving: (where) => keep({ was: (was = where) }),
        switched: () => agent.become(id, readConfigTree(world.generationFolder(agent, id))),
      });
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      const tail = await world.logTail(agent);
      throw new Error(tail === "" ? words : `${words}\n\nthe last lines of its log:\n${tail}`, { cause: error });
    } finally {
      expected.drop();
    }
    return { was };
  },
  async undo({ world, agent, made, was }) {
    // Nothing has been touched.
    if (was === undefined) return;
    const before = agent.record.generation;
    await world.cages.back(agent, made || agent.destroyed ? "stopped" : was, {
      keepsRunning: false,
      reason: "back to what ran before a deploy",
      switched: () => agent.become(before, readConfigTree(world.generationFolder(agent, before))),
    });
  },
};
