import { HiveError } from "../../wire/error.ts";
import { OPERATOR } from "../../wire/names.ts";
import { principalId } from "./history.ts";
import type { CallerContext, Handlers } from "./types.ts";
import { agentOf } from "./caller.ts";

type Names = "send" | "recv" | "inbox" | "mark_read" | "messages" | "message_retry" | "message_drop" | "chain_resume" | "wake";

/** The principal that a caller sends as. */
export function senderOf(caller: CallerContext): { id: string; label?: string } {
  return caller.kind === "operator" ? { id: OPERATOR } : { id: caller.agent.id };
}

export const messageHandlers: Pick<Handlers, Names> = {
  send: (hive, input, caller) => hive.broker.sending(senderOf(caller), input),

  async recv(hive, input, caller) {
    const { agent, connection } = agentOf(caller);
    if (!agent.harness) throw new HiveError("conflict", "no turn is running: messages are delivered when one begins");
    return hive.broker.recv(agent.id, agent.harness.instance, input.wait, connection.ended);
  },

  async wake(hive, input, caller) {
    const { agent } = agentOf(caller);
    const { sent } = await hive.broker.send({ id: agent.id, label: input.from }, { to: agent.name, body: input.body });
    const [first] = sent;
    if (!first) throw new HiveError("internal", "the wake-up was not stored");
    return { message_id: first.id };
  },

  inbox: (hive, input) => hive.broker.operator.list(input),
  mark_read: (hive, input) => hive.broker.operator.markRead(input.up_to),
  messages(hive, input) {
    const who = input.agent === undefined ? undefined : principalId(hive, input.agent);
    if (input.waiting !== true) return { messages: hive.history.messages(input, who) };
    if (who === undefined) throw new HiveError("bad_request", "whose inbox? name the agent");
    return { messages: hive.history.waiting(who, input.limit) };
  },
  message_retry: async (hive, input) => ({ message: await hive.broker.retry(input.id) }),
  message_drop: async (hive, input) => ({ message: await hive.broker.drop(input.id) }),
  chain_resume: async (hive, input) => ({ released: await hive.broker.resumeChain(input.chain) }),
};
