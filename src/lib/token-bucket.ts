export interface RateLimit {
  perSecond: number;
  burst: number;
}

/** A token bucket per key. It is refilled on use, so it needs no timer. */
export class TokenBuckets {
  readonly #limit: RateLimit;
  readonly #now: () => number;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(limit: RateLimit, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  /**
   * Takes `wanted` tokens, at most the whole burst. Returns the seconds to wait if there are too few, otherwise 0.
   */
  take(key: string, wanted = 1): number {
    const count = Math.min(wanted, this.#limit.burst);
    const now = this.#now();
    const bucket = this.#buckets.get(key) ?? { tokens: this.#limit.burst, at: now };
    // A clock that jumps back must not empty the bucket for the length of the jump.
    const elapsed = Math.max(0, now - bucket.at);
    const tokens = Math.min(this.#limit.burst, bucket.tokens + (elapsed / 1000) * this.#limit.perSecond);
    const lacks = tokens < count;
    this.#buckets.set(key, { tokens: lacks ? tokens : tokens - count, at: now });
    return lacks ? Math.ceil((count - tokens) / this.#limit.perSecond) : 0;
  }
}
