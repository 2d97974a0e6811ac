import type { Target } from "../../policy/decisions.ts";
import { HiveError } from "../../wire/error.ts";
import { spenderOf } from "../budget-parts.ts";
import { actorOf } from "./caller.ts";
import type { HandlerContext, Handlers } from "./types.ts";

type Names = "budget" | "budget_set" | "budget_answer";

export const budgetHandlers: Pick<Handlers, Names> = {
  budget: ({ budgets, modelUse: { plan } }) => ({
    time_zone: budgets.days.zone,
    rows: budgets.rows(),
    over: budgets.over(),
    ...(plan.length > 0 ? { plan: [...plan] } : {}),
  }),
  async budget_set(context, { limits, remove, ...about }, caller) {
    const target = targetOf(context, about);
    await context.budgets.decisions.set(target, limits, remove, actorOf(caller));
    // A model without a price may be used again.
    for (const agent of context.swarm.all())
      if (target.scope !== "agent" || target.agent.id === agent.id) context.harnesses.unparkFrom(agent, "config");
    return { rows: context.budgets.rows() };
  },
  async budget_answer(context, { limit: kind, answer, by, ...about }, caller) {
    const target = targetOf(context, about);
    if (target.scope === "default") throw new HiveError("bad_request", "the default is no limit that is reached: name an agent");
    const limit = await context.budgets.decisions.answer(target, { kind, answer, by }, actorOf(caller));
    return { limit, rows: context.budgets.rows() };
  },
};

/** Whose budget a call is about. Throws unless it names an agent exactly if it is about one. */
function targetOf(context: HandlerContext, about: { scope: Target["scope"]; agent?: string | undefined }): Target {
  const { scope, agent } = about;
  if (scope !== "agent") {
    if (agent !== undefined) throw new HiveError("bad_request", `agent: the scope ${scope} has none`);
    return { scope };
  }
  if (agent === undefined) throw new HiveError("bad_request", "agent: name the agent whose budget it is");
  return { scope, agent: spenderOf(context.swarm.byName(agent)) };
}
