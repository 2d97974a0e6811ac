import type { MessageChange, MessageRow } from "../store/messages.ts";
import type { Store, Tx } from "../store/store.ts";
import { HiveError } from "../wire/error.ts";
import type { MessageState } from "../wire/message.ts";
import { InboxLists } from "./inbox-lists.ts";

/**
 * The messages and, per inbox, lists of the queued and leased ones. The lists are kept in memory and match the rows, so
 * reading them needs no query. All inserts and state changes of message rows go through this class.
 */
export class Inboxes {
  readonly #store: Pick<Store, "messages" | "nextSeq">;
  readonly #now: () => number;
  readonly #changed: (row: MessageRow) => void;
  /** Queued messages. */
  readonly #queues: InboxLists;
  /** Leased messages. */
  readonly #leases: InboxLists;

  /** `leased` are the stored leases. `changed` is called with the new row after each commit. */
  constructor(
    store: Pick<Store, "messages" | "nextSeq">,
    leased: readonly MessageRow[],
    now: () => number,
    changed: (row: MessageRow) => void,
  ) {
    this.#store = store;
    this.#now = now;
    this.#changed = changed;
    this.#queues = new InboxLists(store.messages.queued());
    this.#leases = new InboxLists(leased);
  }

  /** Stores a new message. */
  add(tx: Tx, row: MessageRow): void {
    this.#store.messages.insert(row);
    this.#listOf(row.state)?.add(tx, row.recipient, row.id);
    tx.afterCommit(() => this.#changed(row));
  }

  /** Changes a message from the state in `row`. */
  change(tx: Tx, row: MessageRow, change: Partial<MessageChange>): void {
    const next = this.#store.messages.change(row, this.#store.nextSeq(), this.#now(), change);
    if (next.state !== row.state) {
      this.#listOf(row.state)?.remove(tx, row.recipient, row.id);
      this.#listOf(next.state)?.add(tx, row.recipient, row.id);
    }
    tx.afterCommit(() => this.#changed(next));
  }

  /** Drops the queued notices of a key, because a newer notice replaces them. */
  dropNotices(tx: Tx, inbox: string, notice: string): void {
    for (const row of this.#store.messages.queuedNotices(inbox, notice))
      this.change(tx, row, { state: "dropped", reason: "a newer notice replaced it" });
  }

  /** Returns a leased message to its inbox, ahead of newer ones and marked as redelivered. */
  requeue(tx: Tx, row: MessageRow, change: Partial<MessageChange> = {}): void {
    this.change(tx, row, { state: "queued", instance: null, token: null, redelivered: 1, ...change });
  }

  /** The message with an id. Throws `not_found`. */
  found(id: number): MessageRow {
    const row = this.#store.messages.byId(id);
    if (!row) throw new HiveError("not_found", `there is no message ${id}`);
    return row;
  }

  /** The next message to deliver from an inbox. */
  first(inbox: string): MessageRow | undefined {
    const id = this.#queues.first(inbox);
    return id === undefined ? undefined : this.#store.messages.byId(id);
  }
  /** The queued messages of an inbox, in delivery order. */
  queued(inbox: string): readonly number[] {
    return this.#queues.ids(inbox);
  }
  /** Number of queued messages. */
  unread(inbox: string): number {
    return this.#queues.count(inbox);
  }
  /** True while a turn holds messages of this inbox. */
  isHandling(inbox: string): boolean {
    return this.#leases.count(inbox) > 0;
  }
  /** The newest leased message of this inbox. */
  handling(inbox: string): MessageRow | undefined {
    const id = this.#leases.last(inbox);
    return id === undefined ? undefined : this.#store.messages.byId(id);
  }

  /** The list for a state, if there is one. */
  #listOf(state: MessageState): InboxLists | undefined {
    return state === "queued" ? this.#queues : state === "leased" ? this.#leases : undefined;
  }
}
