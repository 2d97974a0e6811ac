import type { Store } from "../store/store.ts";
import { HiveError } from "../wire/error.ts";
import { operatorWords } from "../wire/roles.ts";
import type { MessageView } from "../wire/message.ts";
import type { Inboxes } from "./inboxes.ts";
import type { Loops } from "./loops.ts";

export interface RepairDeps {
  store: Pick<Store, "write" | "messages" | "ledger" | "nextSeq">;
  now(): number;
  nameOf(id: string): string;
  inboxes: Inboxes;
  loops: Pick<Loops, "passed">;
  /** Delivers mail that an agent may have now. */
  nudge(agentId: string): void;
  view(id: number): MessageView;
}

/** What the operator does with messages that are stuck. */
export class Repairs {
  readonly #deps: RepairDeps;

  constructor(deps: RepairDeps) {
    this.#deps = deps;
  }

  /** Returns a dead message to its inbox with no failures. */
  async retry(id: number, by: string): Promise<MessageView> {
    const { store, inboxes, nudge, view } = this.#deps;
    const row = await store.write((tx) => {
      const found = inboxes.found(id);
      if (found.state !== "dead") throw new HiveError("conflict", `message ${id} is ${found.state}, not dead`);
      inboxes.change(tx, found, { state: "queued", failures: 0, reason: null, redelivered: 1 });
      this.#audit("message_retried", by, found.recipient, { message: id });
      return found;
    });
    nudge(row.recipient);
    return view(id);
  }

  /** Drops a message that is not in a turn. */
  async drop(id: number, by: string): Promise<MessageView> {
    const { store, inboxes, view } = this.#deps;
    await store.write((tx) => {
      const row = inboxes.found(id);
      if (row.state === "leased") throw new HiveError("conflict", `message ${id} is in a turn: cancel the turn instead`);
      if (row.state === "done" || row.state === "dropped")
        throw new HiveError("conflict", `message ${id} is ${row.state} already`);
      inboxes.change(tx, row, { state: "dropped", reason: `dropped by ${operatorWords(by)}` });
      this.#audit("message_dropped", by, row.recipient, { message: id });
    });
    return view(id);
  }

  /** Releases a held chain for the same number of hops, and for the same cost, again. Resolves with the number of released messages. */
  async resumeChain(chain: number, by: string): Promise<number> {
    const { store, inboxes, loops, nudge } = this.#deps;
    const released = await store.write((tx) => {
      const held = store.messages.heldOf(chain);
      for (const row of held) inboxes.change(tx, row, { state: "queued", hops: 0, reason: null });
      const [first] = held;
      if (first) loops.passed(tx, chain);
      if (first) this.#audit("chain_resumed", by, first.recipient, { chain, messages: held.length });
      return held;
    });
    if (released.length === 0) throw new HiveError("not_found", `the chain ${chain} has no message that waits`);
    for (const inbox of new Set(released.map((row) => row.recipient))) nudge(inbox);
    return released.length;
  }

  /** Only inside a write. */
  #audit(kind: string, actor: string, recipient: string, detail: object): void {
    const { store, now, nameOf } = this.#deps;
    store.ledger.audit(store.nextSeq(), { at: now(), actor, kind, agent: nameOf(recipient), detail });
  }
}
