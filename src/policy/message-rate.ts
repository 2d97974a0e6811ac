import { budgetLimit } from "../wire/budget-kinds.ts";
import type { Tx } from "../store/store.ts";
import { HiveError } from "../wire/error.ts";

const MINUTE_MS = 60_000;

export interface MessageRateDeps {
  /** Messages that a sender may send in a minute; undefined: any number. */
  limitOf(sender: string): number | undefined;
  /** Messages that a sender has sent since a time, in milliseconds. */
  sentSince(sender: string, from: number): number;
  now(): number;
}

/**
 * The messages that agents send in each minute of the clock. Kept in memory; the minute in which the daemon has begun
 * counts what its predecessor has sent.
 */
export class MessageRate {
  readonly #deps: MessageRateDeps;
  readonly #sent = new Map<string, { minute: number; count: number }>();
  readonly #first: number;

  constructor(deps: MessageRateDeps) {
    this.#deps = deps;
    this.#first = minuteAt(deps.now());
  }

  /**
   * Counts messages of a sender, unless the write that sends them is undone. Throws `rate_limited` with the time to wait.
   * One send may fill a whole minute.
   */
  take(tx: Pick<Tx, "onRollback">, sender: string, count: number): void {
    const limit = this.#deps.limitOf(sender);
    if (limit === undefined) return;
    const now = this.#deps.now();
    const minute = minuteAt(now);
    const before = this.#sent.get(sender);
    const sent = before?.minute === minute ? before.count : this.#sentBefore(sender, minute);
    // Also for a send that is refused: the look into the store is not for each.
    this.#sent.set(sender, { minute, count: sent });
    if (sent > 0 && sent + count > limit) {
      const seconds = Math.ceil(((minute + 1) * MINUTE_MS - now) / 1000);
      throw new HiveError(
        "rate_limited",
        `your budget is ${budgetLimit("messages_per_minute", limit)}: wait ${seconds} s, and put more into one message`,
      );
    }
    this.#sent.set(sender, { minute, count: sent + count });
    tx.onRollback(() => this.#sent.set(sender, { minute, count: sent }));
  }

  /** Messages that were taken in this write are not sent after all. */
  giveBack(sender: string, count: number): void {
    const now = this.#sent.get(sender);
    if (now) this.#sent.set(sender, { ...now, count: now.count - count });
  }

  /** What a sender has sent in a minute before it was counted here. A clock that was set back may be in an earlier one. */
  #sentBefore(sender: string, minute: number): number {
    return minute > this.#first ? 0 : this.#deps.sentSince(sender, minute * MINUTE_MS);
  }
}

const minuteAt = (now: number): number => Math.floor(now / MINUTE_MS);
