import { TokenBuckets, type RateLimit } from "../lib/token-bucket.ts";
import { HiveError } from "../wire/error.ts";

/** Burst size, in seconds of the sender's rate. */
export const BURST_SECONDS = 4;
/** The rate of one agent: far more than any conversation, far less than a flood. Configurable. */
export const DEFAULT_SEND_RATE: RateLimit = { perSecond: 50, burst: 50 * BURST_SECONDS };

/** The least share of the daemon's thread for one agent's requests: twenty times what the default rate takes. */
const AGENT_SHARE = 0.1;
/** The share of the daemon's thread that one agent's requests may take. It grows with a higher rate, up to all of it. */
export const threadShare = ({ perSecond }: RateLimit): number =>
  Math.min(1, AGENT_SHARE * Math.max(1, perSecond / DEFAULT_SEND_RATE.perSecond));

/** The rate of each sender. */
export class SendRate {
  readonly #buckets: TokenBuckets;

  constructor(limit: RateLimit, now: () => number) {
    this.#buckets = new TokenBuckets(limit, now);
  }

  /**
   * Takes `count` tokens, or throws `rate_limited` with the time to wait. A send that wants more than the whole burst
   * (to every agent of a large hive) costs the burst; otherwise no wait would be long enough.
   */
  take(sender: string, count = 1): void {
    const seconds = this.#buckets.take(sender, count);
    if (seconds > 0) throw new HiveError("rate_limited", `too many messages: wait ${seconds} s, and put more into one message`);
  }
}
