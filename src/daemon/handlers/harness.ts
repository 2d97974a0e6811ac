import type { HarnessPush } from "../../wire/harness.ts";
import { MANAGER } from "../../wire/names.ts";
import type { Handlers } from "./types.ts";
import { agentOf, harnessOf } from "./caller.ts";

type Names = "hello" | "next" | "finish" | "publish" | "delta" | "report" | "confirm" | "set_status" | "whoami" | "list_agents";

/** What a cage says of itself: its harness's verbs, and what any program in it may ask. */
export const harnessHandlers: Pick<Handlers, Names> = {
  async hello(hive, input, caller) {
    const { agent, connection, becomeHarness } = agentOf(caller);
    const peer = { push: (line: HarnessPush) => connection.push(line), ended: connection.ended };
    const { session, assignment } = await hive.harnesses.hello(agent, input, peer);
    becomeHarness(session);
    return assignment;
  },
  next(hive, _input, caller) {
    const { agent, session } = harnessOf(caller);
    return hive.harnesses.next(agent, session);
  },
  async finish(hive, input, caller) {
    const { agent, session } = harnessOf(caller);
    await hive.harnesses.finish(agent, session, input.outcome);
    return {};
  },
  async publish(hive, input, caller) {
    const { agent, session } = harnessOf(caller);
    return { confirmed_n: await hive.harnesses.publish(agent, session, input.events) };
  },
  delta(hive, input, caller) {
    const { agent } = harnessOf(caller);
    hive.feed.publish({ kind: "delta", agent: agent.name, delta: input });
    return {};
  },
  report(hive, input, caller) {
    hive.harnesses.report(harnessOf(caller).agent, input);
    return {};
  },
  confirm(hive, input, caller) {
    hive.confirmations.confirm(harnessOf(caller).agent.id, input.nonce, input.refused);
    return {};
  },

  async set_status(hive, input, caller) {
    await hive.swarm.setStatus(agentOf(caller).agent, input.text);
    return {};
  },
  whoami(hive, _input, caller) {
    const { agent } = agentOf(caller);
    return {
      name: agent.name,
      role: agent.role,
      model: agent.model,
      description: agent.config.description,
      recipients: hive.broker.reachable(agent.id),
      unread: hive.broker.unread(agent.id),
    };
  },
  list_agents: (hive) => ({
    agents: hive.swarm.all().map((agent) => ({
      name: agent.name,
      state: agent.state,
      status: agent.record.statusText || undefined,
      description: agent.name === MANAGER ? "the manager, that is you" : agent.config.description || undefined,
      unread: hive.broker.unread(agent.id),
    })),
  }),
};
