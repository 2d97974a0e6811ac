import type { Tx } from "../../store/store.ts";

const NOTHING: readonly number[] = [];

/**
 * The messages that are in one state, by inbox and in the order of delivery. Read once from the store and kept from then
 * on: a send costs the same whatever waits already, and asks the database nothing about it. A write that comes to nothing
 * takes back what it did here, so this is always what the store holds.
 */
export class InboxLists {
  readonly #byInbox = new Map<string, number[]>();

  /** Takes what the store holds, of each inbox the oldest first. */
  constructor(stored: Iterable<{ recipient: string; id: number }>) {
    for (const { recipient, id } of stored) this.#list(recipient).push(id);
  }

  count(inbox: string): number {
    return this.#byInbox.get(inbox)?.length ?? 0;
  }

  /** The oldest. */
  first(inbox: string): number | undefined {
    return this.#byInbox.get(inbox)?.[0];
  }

  /** The newest. */
  last(inbox: string): number | undefined {
    return this.#byInbox.get(inbox)?.at(-1);
  }

  /** All of them, oldest first. */
  ids(inbox: string): readonly number[] {
    return this.#byInbox.get(inbox) ?? NOTHING;
  }

  /** A write of `tx` has brought a message into the state. */
  add(tx: Tx, inbox: string, id: number): void {
    this.#insert(inbox, id);
    tx.onRollback(() => this.#remove(inbox, id));
  }

  /** A write of `tx` has taken a message out of the state. */
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

/** Where `id` is in a rising list, or belongs. */
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
