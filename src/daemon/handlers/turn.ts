import type { Handlers } from "./types.ts";

type Names = "cancel" | "compact" | "model" | "new_session";

export const turnHandlers: Pick<Handlers, Names> = {
  async cancel(hive, input) {
    const agent = hive.swarm.byName(input.name);
    if (input.return) await hive.swarm.setPaused(agent, true);
    const running = agent.activity !== "idle" && agent.harness !== undefined;
    return { cancelled: running && agent.harness?.push({ push: "cancel", return: input.return }) === true };
  },
  async compact(hive, input) {
    hive.swarm.pushTo(hive.swarm.byName(input.name), { push: "compact" });
    return {};
  },
  async model(hive, input) {
    await hive.swarm.setModel(hive.swarm.byName(input.name), input.model);
    return {};
  },
  async new_session(hive, input) {
    await hive.swarm.newSession(hive.swarm.byName(input.name));
    return {};
  },
};
