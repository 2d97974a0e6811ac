import type { LeasedMessage } from "../wire/message.ts";

/** What a waiter receives: a message with its lease, or permission for its cage to sleep. */
export type Served = { message: LeasedMessage; token: string; unread: number } | { sleep: true };

/** A call that waits for the next message of one inbox. */
export interface Waiter {
  kind: "next" | "recv";
  instance: string;
  /** Aborts when the waiter's connection ends. */
  ended: AbortSignal;
  resolve(served: Served): void;
  /** Ends the wait without a message. */
  abandon(): void;
}

/**
 * The waiters of each inbox, first come, first served. In memory only: a waiter belongs to a connection and ends with
 * it.
 */
export class Waiters {
  readonly #byInbox = new Map<string, Waiter[]>();
  /**
   * Connections that already have an abort listener. Each has only one, however many waits follow: a listener per wait
   * took a twentieth of the time from a message to its waiter.
   */
  readonly #listening = new WeakSet<AbortSignal>();

  add(inbox: string, waiter: Waiter): void {
    this.#listen(inbox, waiter.ended);
    const list = this.#byInbox.get(inbox);
    if (list) list.push(waiter);
    else this.#byInbox.set(inbox, [waiter]);
  }

  #listen(inbox: string, ended: AbortSignal): void {
    if (this.#listening.has(ended)) return;
    this.#listening.add(ended);
    // The list does not contain a waiter that is already taken for a message that is committed but not delivered yet.
    ended.addEventListener("abort", () => this.drop(inbox, (waiter) => waiter.ended === ended), { once: true });
  }

  /** Takes the first waiter. The caller must serve it or call `putBack`. */
  take(inbox: string): Waiter | undefined {
    const list = this.#byInbox.get(inbox);
    const waiter = list?.shift();
    if (list?.length === 0) this.#byInbox.delete(inbox);
    return waiter;
  }

  putBack(inbox: string, waiter: Waiter): void {
    const list = this.#byInbox.get(inbox);
    if (list) list.unshift(waiter);
    else this.#byInbox.set(inbox, [waiter]);
  }

  /** Removes a waiter. Returns false if it was taken: its taker serves it or puts it back. */
  remove(inbox: string, waiter: Waiter): boolean {
    const list = this.#byInbox.get(inbox);
    const at = list?.indexOf(waiter) ?? -1;
    if (!list || at < 0) return false;
    list.splice(at, 1);
    if (list.length === 0) this.#byInbox.delete(inbox);
    return true;
  }

  /** Removes all matching waiters and ends their waits. */
  drop(inbox: string, matches: (waiter: Waiter) => boolean): void {
    for (const waiter of this.#byInbox.get(inbox)?.filter(matches) ?? []) {
      this.remove(inbox, waiter);
      waiter.abandon();
    }
  }

  has(inbox: string): boolean {
    return this.#byInbox.has(inbox);
  }

  /** The `next` of an inbox, if it is the only waiter. */
  onlyNext(inbox: string): Waiter | undefined {
    const list = this.#byInbox.get(inbox);
    return list?.length === 1 && list[0]?.kind === "next" ? list[0] : undefined;
  }
}
