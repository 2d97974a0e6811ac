import { HiveError } from "../wire/error.ts";

export interface RateLimit {
  perSecond: number;
  burst: number;
}

/** Burst size, in seconds of the sender's rate. */
export const BURST_SECONDS = 4;
/** The rate of one agent: far more than any conversation, far less than a flood. Configurable. */
export const DEFAULT_SEND_RATE: RateLimit = { perSecond: 50, burst: 50 * BURST_SECONDS };

/** A token bucket per sender. It is refilled on use, so it needs no timer. */
export class SendRate {
  readonly #limit: RateLimit;
  readonly #now: () => number;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(limit: RateLimit, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  /**
   * Takes `count` tokens, or throws `rate_limited` with the time to wait. A send that wants more than the whole burst
   * (to every agent of a large hive) costs the burst; otherwise no wait would be long enough.
   */
  take(sender: string, wanted = 1): void {
    const count = Math.min(wanted, this.#limit.burst);
    const now = this.#now();
    const bucket = this.#buckets.get(sender) ?? { tokens: this.#limit.burst, at: now };
    // A clock that jumps back must not empty the bucket for the length of the jump.
    const elapsed = Math.max(0, now - bucket.at);
    const tokens = Math.min(this.#limit.burst, bucket.tokens + (elapsed / 1000) * this.#limit.perSecond);
    if (tokens < count) {
      this.#buckets.set(sender, { tokens, at: now });
      const seconds = Math.ceil((count - tokens) / this.#limit.perSecond);
      throw new HiveError("rate_limited", `too many messages: wait ${seconds} s, and put more into one message`);
    }
    this.#buckets.set(sender, { tokens: tokens - count, at: now });
  }
}
