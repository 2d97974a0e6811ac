import type { MessageChange, MessageRow } from "../../store/messages.ts";
import type { Store, Tx } from "../../store/store.ts";
import { HiveError } from "../../wire/error.ts";
import type { MessageState } from "../../wire/message.ts";
import { InboxLists } from "./inbox-lists.ts";

/**
 * The messages, and of each inbox which wait and which are in turns: kept in memory and in step with the rows, so that
 * neither is asked of the database. Every row is stored and changed here and nowhere else.
 */
export class Inboxes {
  readonly #store: Pick<Store, "messages" | "nextSeq">;
  readonly #now: () => number;
  readonly #told: (row: MessageRow) => void;
  /** What waits. */
  readonly #queues: InboxLists;
  /** What turns hold. */
  readonly #leases: InboxLists;

  /** `leased` is what the store holds of leases; `told` is called with a row as it is now, after the commit that made it so. */
  constructor(
    store: Pick<Store, "messages" | "nextSeq">,
    leased: readonly MessageRow[],
    now: () => number,
    told: (row: MessageRow) => void,
  ) {
    this.#store = store;
    this.#now = now;
    this.#told = told;
    this.#queues = new InboxLists(store.messages.queued());
    this.#leases = new InboxLists(leased);
  }

  /** Stores a new message. */
  add(tx: Tx, row: MessageRow): void {
    this.#store.messages.insert(row);
    this.#listOf(row.state)?.add(tx, row.recipient, row.id);
    tx.afterCommit(() => this.#told(row));
  }

  /** Changes a message from what `row` says it is. */
  change(tx: Tx, row: MessageRow, change: Partial<MessageChange>): void {
    const next = this.#store.messages.change(row, this.#store.nextSeq(), this.#now(), change);
    if (next.state !== row.state) {
      this.#listOf(row.state)?.remove(tx, row.recipient, row.id);
      this.#listOf(next.state)?.add(tx, row.recipient, row.id);
    }
    tx.afterCommit(() => this.#told(next));
  }

  /** Drops the queued notices of this key: a newer one takes their place. */
  dropNotices(tx: Tx, inbox: string, notice: string): void {
    for (const row of this.#store.messages.queuedNotices(inbox, notice))
      this.change(tx, row, { state: "dropped", reason: "a newer notice replaced it" });
  }

  /** Puts a leased message back into its inbox, before what is newer, to be marked as redelivered. */
  giveBack(tx: Tx, row: MessageRow, change: Partial<MessageChange> = {}): void {
    this.change(tx, row, { state: "queued", instance: null, token: null, redelivered: 1, ...change });
  }

  /** A message. Throws `not_found`. */
  found(id: number): MessageRow {
    const row = this.#store.messages.byId(id);
    if (!row) throw new HiveError("not_found", `there is no message ${id}`);
    return row;
  }

  /** The message that an inbox gives next. */
  first(inbox: string): MessageRow | undefined {
    const id = this.#queues.first(inbox);
    return id === undefined ? undefined : this.#store.messages.byId(id);
  }
  /** The messages that wait in an inbox, in the order of delivery. */
  queued(inbox: string): readonly number[] {
    return this.#queues.ids(inbox);
  }
  /** How many that are. */
  unread(inbox: string): number {
    return this.#queues.count(inbox);
  }
  /** True while a turn holds messages of this inbox. */
  isHandling(inbox: string): boolean {
    return this.#leases.count(inbox) > 0;
  }
  /** The newest message of this inbox that a turn holds. */
  handling(inbox: string): MessageRow | undefined {
    const id = this.#leases.last(inbox);
    return id === undefined ? undefined : this.#store.messages.byId(id);
  }

  /** Where the messages of a state are kept by inbox, if they are. */
  #listOf(state: MessageState): InboxLists | undefined {
    return state === "queued" ? this.#queues : state === "leased" ? this.#leases : undefined;
  }
}
