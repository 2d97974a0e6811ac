import { TokenBuckets, type RateLimit } from "../lib/token-bucket.ts";
import type { LiveDelta } from "../wire/event.ts";

/**
 * Characters of partial text a second of one agent: ten times what a fast model writes. Every open page gets all of it.
 * The burst is the longest text of one event, twice.
 */
const DELTA_RATE: RateLimit = { perSecond: 64 * 1024, burst: 512 * 1024 };
/** What each delta costs besides its text: its event. Characters. */
const EVENT_CHARS = 64;

/** Bounds the partial text that agents show live. What is left out is only seen later: the whole text is an event. */
export class Deltas {
  readonly #buckets: TokenBuckets;
  /** Agents whose last delta was left out. */
  readonly #leftOut = new Set<string>();

  constructor(now: () => number) {
    this.#buckets = new TokenBuckets(DELTA_RATE, now);
  }

  /** What is shown of a delta: itself, nothing, or a reset where a gap begins. */
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
