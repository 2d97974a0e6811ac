import { HiveError } from "../../wire/error.ts";
import { instant } from "../../wire/instant.ts";
import { OPERATOR } from "../../wire/names.ts";
import { principalId } from "./history.ts";
import type { CallerContext, Handlers } from "./types.ts";
import { actorOf, agentOf } from "./caller.ts";

type Names =
  | "send"
  | "recv"
  | "inbox"
  | "mark_read"
  | "messages"
  | "message"
  | "message_retry"
  | "message_drop"
  | "chain_resume"
  | "loops"
  | "wake";

/** The principal that a caller sends as. Every operator is `operator`; the label says which. */
export function senderOf(caller: CallerContext): { id: string; label?: string } {
  if (caller.kind === "agent") return { id: caller.agent.id };
  const { name } = caller.operator;
  return name === OPERATOR ? { id: OPERATOR } : { id: OPERATOR, label: name };
}

export const messageHandlers: Pick<Handlers, Names> = {
  send: (context, input, caller) => context.broker.sending(senderOf(caller), input),

  async recv(context, input, caller) {
    const { agent, connection } = agentOf(caller);
    if (!agent.harness) throw new HiveError("conflict", "no turn is running: messages are delivered when one begins");
    return context.broker.recv(agent.id, agent.harness.instance, input.wait, connection.ended);
  },

  async wake(context, input, caller) {
    const { agent } = agentOf(caller);
    const { sent } = await context.broker.send({ id: agent.id, label: input.from }, { to: agent.name, body: input.body });
    const [first] = sent;
    if (!first) throw new HiveError("internal", "the wake-up was not stored");
    return { message_id: first.id };
  },

  inbox: (context, input) => context.broker.operator.list(input),
  mark_read: (context, input) => context.broker.operator.markRead(input.up_to),
  messages(context, input) {
    const who = input.agent === undefined ? undefined : principalId(context, input.agent);
    if (input.stuck === true) return context.history.stuck(input);
    if (input.waiting !== true) return context.history.messages(input, who);
    if (who === undefined) throw new HiveError("bad_request", "`waiting` needs an agent: name the one whose inbox to list");
    return context.history.waiting(who, input.limit);
  },
  message: (context, input) => ({ message: context.history.whole(input.id) }),
  message_retry: async (context, input, caller) => ({
    message: await context.broker.repairs.retry(input.id, actorOf(caller)),
  }),
  message_drop: async (context, input, caller) => ({
    message: await context.broker.repairs.drop(input.id, actorOf(caller)),
  }),
  chain_resume: async (context, input, caller) => ({
    released: await context.broker.repairs.resumeChain(input.chain, actorOf(caller)),
  }),
  loops: ({ broker: { loops }, store, directory }) => ({
    loops: loops.all().map(({ chain, agents, rounds, costUsd, unpriced, output, lastAt }) => ({
      chain,
      agents: agents.map((id) => directory.nameOf(id)),
      rounds,
      cost_usd: costUsd,
      unpriced,
      output_tokens: output,
      last_at: instant(lastAt),
      held: store.messages.isHeld(chain),
    })),
    limit: { usd: loops.limits.usd, output_tokens: loops.limits.outputTokens },
  }),
};
