import { HiveError } from "../../wire/error.ts";
import { isMistypedModel, modelAdvice, unlistedModel } from "../../wire/model-advice.ts";
import { actorOf } from "./caller.ts";
import type { Handlers } from "./types.ts";

type Names = "cancel" | "compact" | "model" | "new_session";

export const turnHandlers: Pick<Handlers, Names> = {
  async cancel(context, input, caller) {
    const agent = context.swarm.byName(input.name);
    if (input.return) await context.commands.setPaused(agent, true, actorOf(caller));
    const running = agent.activity !== "idle" && agent.harness !== undefined;
    return { cancelled: running && agent.harness.push({ push: "cancel", return: input.return }) };
  },
  async compact(context, input) {
    context.commands.pushTo(context.swarm.byName(input.name), { push: "compact" });
    return {};
  },
  async model(context, input) {
    const agent = context.swarm.byName(input.name);
    const advice = modelAdvice(input.model, context.pricedModels);
    if (isMistypedModel(input.model, advice))
      throw new HiveError("bad_request", `there is no model ${input.model}; did you mean ${advice.meant ?? ""}?`);
    await context.commands.setModel(agent, input.model);
    return advice.isKnown ? {} : { note: unlistedModel(input.model, advice) };
  },
  async new_session(context, input) {
    await context.commands.newSession(context.swarm.byName(input.name));
    return {};
  },
};
