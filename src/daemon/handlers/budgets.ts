import type { Target } from "../../policy/decisions.ts";
import { HiveError } from "../../wire/error.ts";
import { credentialScope, type Spender } from "../../policy/spender.ts";
import { isChangeOver } from "../../wire/change-states.ts";
import { OPERATOR } from "../../wire/names.ts";
import type { Input } from "../../wire/operations.ts";
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
      if (!("agent" in target) || target.agent.id === agent.id) context.harnesses.unparkFrom(agent, "config");
    return { rows: context.budgets.rows() };
  },
  async budget_answer(context, { limit: kind, answer, by, ...about }, caller) {
    const target = targetOf(context, about);
    if (target.scope === "default") throw new HiveError("bad_request", "the default is no limit that is reached: name an agent");
    const limit = await context.budgets.decisions.answer(target, { kind, answer, by }, actorOf(caller));
    return { limit, rows: context.budgets.rows() };
  },
};

/** The field that names each scope. The hive and the default have none. */
const NAMED = { agent: "agent", credential: "credential", change: "change" } as const;

/** Whose budget a call is about. Throws unless exactly the name is given that its scope has. */
function targetOf(context: HandlerContext, about: Pick<Input<"budget_set">, "scope" | keyof typeof NAMED>): Target {
  const { scope, agent, credential, change } = about;
  for (const field of Object.values(NAMED))
    if (about[field] !== undefined && field !== scope)
      throw new HiveError("bad_request", `${field}: the scope ${scope} has none`);
  if (scope === "hive" || scope === "default") return { scope };
  if (agent !== undefined) return { scope: "agent", agent: spender(context, context.swarm.byName(agent).id) };
  if (credential !== undefined) {
    // Limits outlive a credential that was removed, and can be removed as well.
    if (!context.budgets.budgets.limits.has(credentialScope(credential))) context.credentials.check(credential);
    return { scope: "credential", credential };
  }
  if (change === undefined) throw new HiveError("bad_request", `${scope}: name the one whose budget it is`);
  const { agent: owner, state } = context.work.changeStore.get(change);
  if (isChangeOver(state)) throw new HiveError("conflict", `change ${change} has ended, so nothing more is spent on it`);
  if (owner === OPERATOR) throw new HiveError("conflict", `change ${change} is the operator's own: no agent works on it`);
  return { scope: "change", agent: spender(context, owner), change };
}

function spender({ budgets }: HandlerContext, id: string): Spender {
  const found = budgets.spenders.byId(id);
  if (!found) throw new HiveError("not_found", "the agent was destroyed: it spends nothing more");
  return found;
}
