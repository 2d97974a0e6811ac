import { HiveError } from "../wire/error.ts";

const MINUTE_MS = 60_000;

export interface MessageRateDeps {
  /** Messages that a sender may send in a minute; undefined: any number. */
  limitOf(sender: string): number | undefined;
  now(): number;
}

/** The messages that agents send in each minute of the clock. Kept in memory: after a restart a minute begins anew. */
export class MessageRate {
  readonly #deps: MessageRateDeps;
  readonly #sent = new Map<string, { minute: number; count: number }>();

  constructor(deps: MessageRateDeps) {
    this.#deps = deps;
  }

  /** Counts messages of a sender. Throws `rate_limited` with the time to wait. One send may fill a whole minute. */
  take(sender: string, count: number): void {
    const limit = this.#deps.limitOf(sender);
    if (limit === undefined) return;
    const now = this.#deps.now();
    const minute = Math.floor(now / MINUTE_MS);
    const before = this.#sent.get(sender);
    const sent = before?.minute === minute ? before.count : 0;
    if (sent > 0 && sent + count > limit) {
      const seconds = Math.ceil(((minute + 1) * MINUTE_MS - now) / 1000);
      throw new HiveError(
        "rate_limited",
        `your budget is ${limit} messages a minute: wait ${seconds} s, and put more into one message`,
      );
    }
    this.#sent.set(sender, { minute, count: sent + count });
  }
}
