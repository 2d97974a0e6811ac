import { failure } from "../../rpc/envelope.ts";
import { HiveError } from "../../wire/error.ts";
import { MANAGER } from "../../wire/names.ts";
import type { Agent } from "../../agents/agent.ts";
import type { Output } from "../../wire/operations.ts";
import { actorOf, mayMount } from "./caller.ts";
import type { CallerContext, HandlerContext, Handlers } from "./types.ts";

type Names =
  | "spawn"
  | "start"
  | "stop"
  | "stop_all"
  | "start_what_ran"
  | "restart"
  | "kill"
  | "destroy"
  | "revive"
  | "set_paused"
  | "tombstones";

type PerAgentResult = Output<"start">["results"][number];
type Scope = { agent_names?: string[] | undefined; all?: true | undefined };

/** The names of the agents in a scope. The manager may not use `all`. */
export function namesIn(context: HandlerContext, scope: Scope, caller: CallerContext): string[] {
  if (scope.all === true) {
    if (caller.kind === "agent") throw new HiveError("forbidden", "only the operator may act on all agents: name the agents");
    return context.swarm.all().map((agent) => agent.name);
  }
  return [...new Set(scope.agent_names)];
}

/** An agent that the caller may act on. The manager may act on the others, but not on itself. */
function target(context: HandlerContext, name: string, caller: CallerContext): Agent {
  const agent = context.swarm.byName(name);
  if (caller.kind === "agent" && agent === caller.agent) {
    throw new HiveError("forbidden", `${MANAGER} cannot do this to itself: ask the operator`);
  }
  return agent;
}

/** Runs an action for each agent of a scope in parallel, and returns a result for each. */
export async function each(
  context: HandlerContext,
  names: string[],
  caller: CallerContext,
  act: (agent: Agent) => Promise<Partial<PerAgentResult> | void>,
): Promise<{ results: PerAgentResult[] }> {
  const results = await Promise.all(
    names.map(async (name) => {
      try {
        return { name, ok: true, ...(await act(target(context, name, caller))) };
      } catch (error) {
        // A defect with one agent does not hide the results of the others.
        if (!(error instanceof HiveError)) context.onUnexpected(error);
        return { name, ok: false, error: failure(error).error };
      }
    }),
  );
  return { results };
}

/** Starts an agent. While everything is stopped, only the operator may. */
async function startOne(context: HandlerContext, agent: Agent, caller: CallerContext): Promise<void> {
  if (caller.kind === "agent") context.allStop.check();
  await context.commands.start(agent, actorOf(caller));
  await context.allStop.started(agent, actorOf(caller));
}

export const lifecycleHandlers: Pick<Handlers, Names> = {
  async spawn(context, input, caller) {
    const { requests, requestStore, through } = context.deploys;
    const row = await requests.spawn({ ...input, by: actorOf(caller), origin: "spawn", mayMount: mayMount(caller) });
    await through(row.id);
    return { agent: context.views.agent(context.swarm.byName(input.name)), risks: requestStore.view(row).risks };
  },
  start: (context, input, caller) =>
    each(context, namesIn(context, input.scope, caller), caller, (agent) => startOne(context, agent, caller)),
  stop: (context, input, caller) =>
    each(context, namesIn(context, input.scope, caller), caller, (agent) =>
      context.commands.stop(agent, { graceful: input.graceful, by: actorOf(caller) }),
    ),
  stop_all: async (context, input, caller) => ({ results: await context.allStop.stop({ ...input, by: actorOf(caller) }) }),
  start_what_ran: async (context, _input, caller) => ({ results: await context.allStop.startWhatRan(actorOf(caller)) }),
  async restart(context, input, caller) {
    const agent = target(context, input.name, caller);
    if (caller.kind === "agent") context.allStop.check();
    await context.commands.restart(agent, actorOf(caller));
    await context.allStop.started(agent, actorOf(caller));
    return {};
  },
  async kill(context, input, caller) {
    await context.commands.stop(target(context, input.name, caller), { graceful: false, by: actorOf(caller) });
    return {};
  },
  async destroy(context, input, caller) {
    const agent = context.commands.destroyable(input.name, input);
    if (input.purge) context.backups.refuseWhileTaking("purge it");
    await context.deploys.decisions.clearFor(input.name);
    await context.commands.destroy(input.name, { purge: input.purge, note: input.note, by: actorOf(caller) });
    await context.questions.closeOf(agent.id);
    if (input.purge) await context.deploys.forget(input.name, actorOf(caller));
    await context.work.agentRemoved(agent, input);
    await context.deploys.marksChanged();
    return {};
  },
  async revive(context, input, caller) {
    const { requests, through } = context.deploys;
    await through((await requests.revive(input.name, actorOf(caller), { note: input.note })).id);
    return { agent: context.views.agent(context.swarm.byName(input.name)) };
  },
  async set_paused(context, input, caller) {
    await context.commands.setPaused(context.swarm.byName(input.name), input.paused, actorOf(caller));
    return {};
  },
  tombstones: async (context) => ({ agents: await context.swarm.tombstones() }),
};
