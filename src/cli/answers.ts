import { hivectl } from "../lib/hivectl.ts";
import { because, standstill } from "./standstill.ts";
import { connectLines } from "../rpc/client.ts";
import type { AgentView } from "../wire/agent.ts";
import { MAX_PAGE_ROWS } from "../wire/limits.ts";
import type { MessageView } from "../wire/message.ts";
import type { Output } from "../wire/operations.ts";
import { clean } from "./print.ts";
import type { Shell } from "./shell.ts";

type Receipt = Output<"send">["sent"][number];

/** A message that gets no answer: the state in which the wait ended, and the reason. */
export interface Unanswered {
  id: number;
  to: string;
  state: MessageView["state"];
  reason: string;
}

/**
 * Waits until each message has an answer or cannot get one any more. Reports each message once, when its wait ends. A
 * message ends without an answer when it is dead, dropped or held, when its turn ended, and when it waits for an agent
 * that takes none until the operator acts: a stopped one, or one over its budget.
 */
export class Answers {
  readonly #shell: Shell;
  /** The messages without an answer so far, in their latest version. */
  readonly #waiting: Map<number, Pick<MessageView, "id" | "to" | "state" | "chain" | "reason">>;
  /** The latest event of each agent. */
  readonly #seen = new Map<string, AgentView>();
  readonly answered: MessageView[] = [];
  readonly unanswered: Unanswered[] = [];

  constructor(shell: Shell, sent: readonly Receipt[]) {
    this.#shell = shell;
    this.#waiting = new Map(sent.map((one) => [one.id, { ...one, chain: one.id }]));
  }

  async all(): Promise<void> {
    const ids = [...this.#waiting.keys()];
    const first = ids.reduce((least, id) => Math.min(least, id), Infinity);
    this.#shell.waitsFor(`the answer will still arrive in your inbox; ${hivectl("messages")} shows the state of #${first}`);
    // A stream needs a connection of its own.
    const client = await connectLines(this.#shell.socketPath, { ordered: true });
    const kinds = ["message", "agent"] as const;
    for await (const { event } of client.stream("watch", { after: first - 1, kinds: [...kinds] })) {
      if (event?.kind === "message") {
        this.#heard(event.message);
        // A message that comes back may do so after its agent has stopped.
        const to = this.#seen.get(event.message.to);
        if (to) await this.#looked(to);
      }
      if (event?.kind === "agent") {
        this.#seen.set(event.agent.name, event.agent);
        await this.#looked(event.agent);
      }
      if (event?.kind === "reset") await this.#lookBack(first);
      if (this.#waiting.size === 0) return;
    }
  }

  /** Reads what the events did not tell: too much happened for all of it to be replayed. */
  async #lookBack(first: number): Promise<void> {
    const { client } = this.#shell;
    let before: number | undefined;
    do {
      const { messages, more } = await client.call("inbox", { limit: MAX_PAGE_ROWS, before });
      for (const message of messages) this.#heard(message);
      before = more === true ? messages[0]?.id : undefined;
    } while (before !== undefined && before > first);
    for (const id of this.#waiting.keys()) this.#heard((await client.call("message", { id })).message);
  }

  #heard(message: MessageView): void {
    const { in_reply_to: question } = message;
    if (message.to === "operator" && question !== undefined && this.#waiting.delete(question)) this.answered.push(message);
    if (!this.#waiting.has(message.id)) return;
    this.#waiting.set(message.id, message);
    const reason = ENDS[message.state]?.(message);
    if (reason !== undefined) this.#end(message.id, reason);
  }

  /** Gives up on messages that are queued for an agent which does not continue without the operator. */
  async #looked(agent: AgentView): Promise<void> {
    const queued = [...this.#waiting.values()].filter((one) => one.to === agent.name && one.state === "queued");
    if (queued.length === 0 || standstill(agent) === undefined) return;
    // A restart passes through `stopped`, so read the current state instead of the event's.
    const { state } = await this.#shell.client.call("state", { messages: 0 });
    const now = state.agents.find((one) => one.name === agent.name);
    const why = now ? standstill(now, state.hive.over_budget) : "it was destroyed";
    if (why !== undefined) for (const { id } of queued) this.#end(id, `it waits in the inbox of ${agent.name}: ${why}`);
  }

  #end(id: number, reason: string): void {
    const message = this.#waiting.get(id);
    if (!message) return;
    this.#waiting.delete(id);
    this.unanswered.push({ id, to: message.to, state: message.state, reason: clean(reason) });
  }
}

/** The states of a message that rule out an answer, as words. */
const ENDS: Partial<Record<MessageView["state"], (message: MessageView) => string>> = {
  done: ({ to }) => `its turn ended without an answer; ${hivectl(`tail ${to} --no-follow`)} shows the turn`,
  dead: ({ id, reason }) => `it is dead${because(reason)}; ${hivectl(`retry ${id}`)} puts it back`,
  dropped: ({ reason }) => `it was dropped${because(reason)}`,
  held: ({ chain, reason }) => `it is held${because(reason)}; ${hivectl(`let-go ${chain}`)} releases it`,
};
