import type { Tx } from "../store/store.ts";

const NOTHING: readonly number[] = [];

/**
 * The messages in one state, per inbox and in delivery order. Read from the store once and kept in memory, so a send
 * costs the same however many messages are queued and needs no query. A write that fails undoes its changes here, so
 * the lists always match the store.
 */
export class InboxLists {
  readonly #byInbox = new Map<string, number[]>();

  /** Takes the stored messages, oldest first in each inbox. */
  constructor(stored: Iterable<{ recipient: string; id: number }>) {
    for (const { recipient, id } of stored) this.#list(recipient).push(id);
  }

  count(inbox: string): number {
    return this.#byInbox.get(inbox)?.length ?? 0;
  }

  /** The oldest id. */
  first(inbox: string): number | undefined {
    return this.#byInbox.get(inbox)?.[0];
  }

  /** The newest id. */
  last(inbox: string): number | undefined {
    return this.#byInbox.get(inbox)?.at(-1);
  }

  /** All ids, oldest first. */
  ids(inbox: string): readonly number[] {
    return this.#byInbox.get(inbox) ?? NOTHING;
  }

  /** Records that a write of `tx` moved a message into the state. */
  add(tx: Tx, inbox: string, id: number): void {
    this.#insert(inbox, id);
    tx.onRollback(() => this.#remove(inbox, id));
  }

  /** Records that a write of `tx` moved a message out of the state. */
  remove(tx: Tx, inbox: string, id: number): void {
    this.#remove(inbox, id);
    tx.onRollback(() => this.#insert(inbox, id));
  }

  #list(inbox: string): number[] {
    const known = this.#byInbox.get(inbox);
    if (known) return known;
    const list: number[] = [];
    this.#byInbox.set(inbox, list);
    return list;
  }

  #insert(inbox: string, id: number): void {
    const list = this.#list(inbox);
    if (id > (list.at(-1) ?? 0)) list.push(id);
    else list.splice(placeOf(list, id), 0, id);
  }

  #remove(inbox: string, id: number): void {
    const list = this.#byInbox.get(inbox);
    const at = list ? placeOf(list, id) : 0;
    if (!list || list[at] !== id) return;
    list.splice(at, 1);
    if (list.length === 0) this.#byInbox.delete(inbox);
  }
}

/** The index of `id` in a rising list, or the index where it belongs. */
function placeOf(list: readonly number[], id: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] ?? 0) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
