import type { Tx } from "../../store/store.ts";

/**
 * How many messages are queued, by inbox: counted once, then kept, so that a send costs the same whatever waits
 * already. An inbox whose write came to nothing is counted anew when it is asked for.
 */
export class Unread {
  readonly #known = new Map<string, number>();
  readonly #count: (inbox: string) => number;

  constructor(count: (inbox: string) => number) {
    this.#count = count;
  }

  of(inbox: string): number {
    const known = this.#known.get(inbox);
    if (known !== undefined) return known;
    const counted = this.#count(inbox);
    this.#known.set(inbox, counted);
    return counted;
  }

  /** A write of `tx` has moved a message into or out of the queue. */
  changed(tx: Tx, inbox: string, by: number): void {
    if (by === 0) return;
    const known = this.#known.get(inbox);
    if (known !== undefined) this.#known.set(inbox, known + by);
    // Also when nothing is known yet: a later write of the same group may count, and see what is then undone.
    tx.onRollback(() => void this.#known.delete(inbox));
  }
}
