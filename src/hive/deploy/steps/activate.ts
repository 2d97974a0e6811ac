import { readConfigTree } from "../../agents/config-tree.ts";
import { agentOf, type Step } from "./step.ts";

/**
 * Starts the new generation and waits until it has confirmed over its own socket. What ran ends here; when the new one
 * does not confirm, what ran runs again.
 */
export const activateStep: Step = {
  name: "activate",
  state: "activating",
  async do(deploy) {
    const { world, id, ended } = deploy;
    const agent = agentOf(deploy);
    const expected = world.confirmations.expect(agent.id);
    try {
      await world.cages.trial(agent, {
        nonce: expected.nonce,
        confirmed: expected.confirmed,
        withinMs: world.confirmMs,
        ended,
        leaving: (was) => (deploy.was = was),
        switched: () => agent.become(id, readConfigTree(world.generationFolder(agent, id))),
      });
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      const tail = await world.logTail(agent);
      throw new Error(tail === "" ? words : `${words}\n\nthe last lines of its log:\n${tail}`, { cause: error });
    } finally {
      expected.drop();
    }
  },
  async undo(deploy) {
    const { world, was } = deploy;
    const { agent } = deploy;
    if (!agent || was === undefined) return;
    const before = agent.record.generation;
    await world.cages.back(agent, deploy.made === true || agent.destroyed ? "stopped" : was, {
      keepsRunning: false,
      reason: "back to what ran before a deploy",
      switched: () => agent.become(before, readConfigTree(world.generationFolder(agent, before))),
    });
  },
};
