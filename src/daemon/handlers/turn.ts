import { HiveError } from "../../wire/error.ts";
import { isMistypedModel, modelAdvice, unlistedModel } from "../../wire/model-advice.ts";
import type { Handlers } from "./types.ts";

type Names = "cancel" | "compact" | "model" | "new_session";

export const turnHandlers: Pick<Handlers, Names> = {
  async cancel(hive, input) {
    const agent = hive.swarm.byName(input.name);
    if (input.return) await hive.swarm.setPaused(agent, true);
    const running = agent.activity !== "idle" && agent.harness !== undefined;
    return { cancelled: running && agent.harness.push({ push: "cancel", return: input.return }) };
  },
  async compact(hive, input) {
    hive.swarm.pushTo(hive.swarm.byName(input.name), { push: "compact" });
    return {};
  },
  async model(hive, input) {
    const agent = hive.swarm.byName(input.name);
    const advice = modelAdvice(input.model, hive.pricedModels);
    if (isMistypedModel(input.model, advice))
      throw new HiveError("bad_request", `there is no model ${input.model}; did you mean ${advice.meant ?? ""}?`);
    await hive.swarm.setModel(agent, input.model);
    return advice.isKnown ? {} : { note: unlistedModel(input.model, advice) };
  },
  async new_session(hive, input) {
    await hive.swarm.newSession(hive.swarm.byName(input.name));
    return {};
  },
};
