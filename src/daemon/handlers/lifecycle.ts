import { failure } from "../../rpc/envelope.ts";
import { HiveError } from "../../wire/error.ts";
import { MANAGER, OPERATOR } from "../../wire/names.ts";
import type { Agent } from "../../agents/agent.ts";
import type { Output } from "../../wire/operations.ts";
import type { Hive } from "../system.ts";
import type { CallerContext, Handlers } from "./types.ts";

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

/** The agents of a scope by name. The manager may not name itself, nor everybody. */
export function namesIn(hive: Hive, scope: Scope, caller: CallerContext): string[] {
  if (scope.all === true) {
    if (caller.kind === "agent") throw new HiveError("forbidden", "only the operator may start everybody: name the agents");
    return hive.swarm.all().map((agent) => agent.name);
  }
  return [...new Set(scope.agent_names)];
}

/** An agent that the caller may act on: the manager acts on others, never on itself. */
function target(hive: Hive, name: string, caller: CallerContext): Agent {
  const agent = hive.swarm.byName(name);
  if (caller.kind === "agent" && agent === caller.agent) {
    throw new HiveError("forbidden", `${MANAGER} cannot do this to itself: ask the operator`);
  }
  return agent;
}

/** Does one thing to each agent of a scope, side by side, and says what became of each. */
export async function each(
  hive: Hive,
  names: string[],
  caller: CallerContext,
  act: (agent: Agent) => Promise<Partial<PerAgentResult> | void>,
): Promise<{ results: PerAgentResult[] }> {
  const results = await Promise.all(
    names.map(async (name) => {
      try {
        return { name, ok: true, ...(await act(target(hive, name, caller))) };
      } catch (error) {
        // A defect with one of them does not keep the results of the others.
        if (!(error instanceof HiveError)) hive.onUnexpected(error);
        return { name, ok: false, error: failure(error).error };
      }
    }),
  );
  return { results };
}

/** While everything is stopped only the operator starts an agent. */
async function startOne(hive: Hive, agent: Agent, caller: CallerContext): Promise<void> {
  if (caller.kind === "agent") hive.allStop.check();
  await hive.swarm.start(agent, by(caller));
  await hive.allStop.started(agent);
}

const by = (caller: CallerContext): string => (caller.kind === "operator" ? "operator" : caller.agent.name);

export const lifecycleHandlers: Pick<Handlers, Names> = {
  async spawn(hive, input) {
    const { requests, through } = hive.deploys;
    await through((await requests.spawn({ ...input, by: OPERATOR, origin: "spawn" })).id);
    return { agent: hive.view(hive.swarm.byName(input.name)) };
  },
  start: (hive, input, caller) =>
    each(hive, namesIn(hive, input.scope, caller), caller, (agent) => startOne(hive, agent, caller)),
  stop: (hive, input, caller) =>
    each(hive, namesIn(hive, input.scope, caller), caller, (agent) =>
      hive.swarm.stop(agent, { graceful: input.graceful, by: by(caller) }),
    ),
  stop_all: async (hive, input) => ({ results: await hive.allStop.stop({ ...input, by: OPERATOR }) }),
  start_what_ran: async (hive) => ({ results: await hive.allStop.startWhatRan(OPERATOR) }),
  async restart(hive, input, caller) {
    const agent = target(hive, input.name, caller);
    if (caller.kind === "agent") hive.allStop.check();
    await hive.swarm.restart(agent, by(caller));
    await hive.allStop.started(agent);
    return {};
  },
  async kill(hive, input, caller) {
    await hive.swarm.stop(target(hive, input.name, caller), { graceful: false, by: by(caller) });
    return {};
  },
  async destroy(hive, input) {
    hive.swarm.destroyable(input.name, input);
    if (input.purge) hive.backups.refuseWhileTaking("purge it");
    await hive.deploys.requests.clearFor(input.name);
    await hive.swarm.destroy(input.name, { purge: input.purge, note: input.note });
    if (input.purge) await hive.deploys.forget(input.name);
    await hive.deploys.gone();
    return {};
  },
  async revive(hive, input) {
    const { requests, through } = hive.deploys;
    await through((await requests.revive(input.name, OPERATOR, { note: input.note })).id);
    return { agent: hive.view(hive.swarm.byName(input.name)) };
  },
  async set_paused(hive, input) {
    await hive.swarm.setPaused(hive.swarm.byName(input.name), input.paused);
    return {};
  },
  tombstones: async (hive) => ({ agents: await hive.swarm.tombstones() }),
};
