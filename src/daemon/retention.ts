import type { Store } from "../store/store.ts";

const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;
/** How long the body of a delivered message is kept. What it says of itself stays for ever. */
const BODY_DAYS = 30;
/** How long turn events are kept. The marks of turns stay for ever. */
const TURN_EVENT_DAYS = 14;

/** Prunes what need not be kept, hourly. */
export class Retention {
  readonly #store: Store;
  readonly #now: () => number;
  readonly #log: (words: string) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(store: Store, now: () => number, log: (words: string) => void) {
    this.#store = store;
    this.#now = now;
    this.#log = log;
  }

  start(): void {
    this.#timer = setInterval(() => void this.runOnce().catch(() => {}), HOUR_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** One round. */
  async runOnce(): Promise<{ bodies: number; events: number }> {
    const now = this.#now();
    const pruned = await this.#store.write(() => ({
      bodies: this.#store.messages.prune(now - BODY_DAYS * DAY_MS),
      events: this.#store.turns.prune(now - TURN_EVENT_DAYS * DAY_MS),
    }));
    if (pruned.bodies + pruned.events > 0)
      this.#log(`retention: ${pruned.bodies} bodies and ${pruned.events} turn events removed`);
    return pruned;
  }
}
