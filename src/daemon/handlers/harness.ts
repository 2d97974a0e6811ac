import type { HarnessPush } from "../../wire/harness.ts";
import { MANAGER } from "../../wire/names.ts";
import type { Handlers } from "./types.ts";
import { listing } from "../listings.ts";
import { agentOf, harnessOf } from "./caller.ts";

type Names =
  | "hello"
  | "next"
  | "finish"
  | "publish"
  | "delta"
  | "report"
  | "included"
  | "refs"
  | "confirm"
  | "set_status"
  | "whoami"
  | "list_agents";

/** The operations of a cage: those of its harness, and those that any program in it may call. */
export const harnessHandlers: Pick<Handlers, Names> = {
  async hello(context, input, caller) {
    const { agent, connection, becomeHarness } = agentOf(caller);
    const peer = { push: (line: HarnessPush) => connection.push(line), ended: connection.ended };
    const { session, assignment } = await context.harnesses.hello(agent, input, peer);
    becomeHarness(session);
    return assignment;
  },
  next(context, _input, caller) {
    const { agent, session } = harnessOf(caller);
    return context.harnesses.next(agent, session);
  },
  async finish(context, input, caller) {
    const { agent, session } = harnessOf(caller);
    await context.harnesses.finish(agent, session, input);
    return {};
  },
  async publish(context, input, caller) {
    const { agent, session } = harnessOf(caller);
    return { confirmed_n: await context.harnesses.publish(agent, session, input.events) };
  },
  delta(context, input, caller) {
    const { agent } = harnessOf(caller);
    const delta = context.harnesses.delta(agent, input);
    if (delta) context.feed.publish({ kind: "delta", agent: agent.name, delta });
    return {};
  },
  report(context, input, caller) {
    context.harnesses.report(harnessOf(caller).agent, input);
    return {};
  },
  included(context, { repo, after }, caller) {
    return { file: context.work.includes.next(harnessOf(caller).agent, repo, after) };
  },
  refs(context, { repo, after = "" }, caller) {
    const { refs } = context.work.transport.agentGit.callerFor(harnessOf(caller).agent).open(repo).names;
    const rest = [...refs].map(([name, sha]) => ({ name, sha })).filter(({ name }) => name > after);
    const { rows, ...end } = listing(
      rest.sort((a, b) => (a.name < b.name ? -1 : 1)),
      (row) => row,
    );
    return { refs: rows, ...end };
  },
  confirm(context, input, caller) {
    context.confirmations.confirm(harnessOf(caller).agent.id, input.nonce, input.refused);
    return {};
  },

  async set_status(context, input, caller) {
    await context.commands.setStatus(agentOf(caller).agent, input.text);
    return {};
  },
  whoami(context, _input, caller) {
    const { agent } = agentOf(caller);
    return {
      name: agent.name,
      role: agent.role,
      model: agent.model,
      description: agent.config.description,
      repos: agent.config.repos.map(({ name, access }) => ({ name, access })),
      recipients: context.broker.reachable(agent.id),
      unread: context.broker.unread(agent.id),
    };
  },
  list_agents: (context) => ({
    agents: context.swarm.all().map((agent) => ({
      name: agent.name,
      state: agent.state,
      status: agent.record.statusText || undefined,
      description: agent.name === MANAGER ? "the manager, that is you" : agent.config.description || undefined,
      unread: context.broker.unread(agent.id),
    })),
  }),
};
