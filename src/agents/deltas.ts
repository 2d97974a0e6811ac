import { TokenBuckets, type RateLimit } from "../lib/token-bucket.ts";
import type { LiveDelta } from "../wire/event.ts";

/**
 * Characters of partial text per second and agent: ten times what a fast model writes. Every open page gets all of it.
 * The burst is twice the longest text of one event.
 */
const DELTA_RATE: RateLimit = { perSecond: 64 * 1024, burst: 512 * 1024 };
/** The characters counted for the event of each delta, in addition to its text. */
const EVENT_CHARS = 64;

/**
 * Bounds the partial text that agents show live. The whole text follows as an event, so text that is left out here is
 * only seen later.
 */
export class Deltas {
  readonly #buckets: TokenBuckets;
  /** Agents whose last delta was left out. */
  readonly #leftOut = new Set<string>();

  constructor(now: () => number) {
    this.#buckets = new TokenBuckets(DELTA_RATE, now);
  }

  /** The delta to show: the delta itself, nothing, or a reset at the start of a gap. */
  shown(agentId: string, delta: LiveDelta): LiveDelta | undefined {
    if (this.#buckets.take(agentId, delta.text.length + EVENT_CHARS) === 0) {
      this.#leftOut.delete(agentId);
      return delta;
    }
    if (this.#leftOut.has(agentId)) return undefined;
    this.#leftOut.add(agentId);
    return { kind: "reset", text: "" };
  }
}
