import type { LeasedMessage } from "../../wire/message.ts";

/** What a waiter gets: a message with its lease, or word that its cage may sleep. */
export type Served = { message: LeasedMessage; token: string; unread: number } | { sleep: true };

/** Somebody who waits for the next message of one inbox. */
export interface Waiter {
  kind: "next" | "recv";
  instance: string;
  /** The connection that it waits on. */
  ended: AbortSignal;
  resolve(served: Served): void;
  /** Nothing comes any more: whoever waited is gone. */
  abandon(): void;
}

/** Who waits, by inbox, first come first served. All in memory: a waiter is a connection, and is gone with it. */
export class Waiters {
  readonly #byInbox = new Map<string, Waiter[]>();
  /**
   * Connections that are listened to, each once and for one inbox, however often somebody waits on it: a listener for
   * every wait was a twentieth of the way from a message to whoever waited for it.
   */
  readonly #heard = new WeakSet<AbortSignal>();

  add(inbox: string, waiter: Waiter): void {
    this.#hear(inbox, waiter.ended);
    const list = this.#byInbox.get(inbox);
    if (list) list.push(waiter);
    else this.#byInbox.set(inbox, [waiter]);
  }

  #hear(inbox: string, ended: AbortSignal): void {
    if (this.#heard.has(ended)) return;
    this.#heard.add(ended);
    // A message may be on its way to one of them, committed and not told yet: that one is taken, and no longer here.
    ended.addEventListener("abort", () => this.drop(inbox, (waiter) => waiter.ended === ended), { once: true });
  }

  /** Takes the first; whoever takes it must serve it or `putBack`. */
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

  /** False when somebody has taken it, who serves it or puts it back. */
  remove(inbox: string, waiter: Waiter): boolean {
    const list = this.#byInbox.get(inbox);
    const at = list?.indexOf(waiter) ?? -1;
    if (!list || at < 0) return false;
    list.splice(at, 1);
    if (list.length === 0) this.#byInbox.delete(inbox);
    return true;
  }

  /** Takes out everybody that fits: they are not served any more. */
  drop(inbox: string, isGone: (waiter: Waiter) => boolean): void {
    for (const waiter of this.#byInbox.get(inbox)?.filter(isGone) ?? []) {
      this.remove(inbox, waiter);
      waiter.abandon();
    }
  }

  has(inbox: string): boolean {
    return this.#byInbox.has(inbox);
  }

  /** The one `next` of an inbox, when nothing else waits. */
  onlyNext(inbox: string): Waiter | undefined {
    const list = this.#byInbox.get(inbox);
    return list?.length === 1 && list[0]?.kind === "next" ? list[0] : undefined;
  }
}
