import type { Store } from "../store/store.ts";

const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;
/** How long the body of a delivered message is kept. What it says of itself stays for ever. */
const BODY_DAYS = 30;
/** How long turn events are kept. The marks of turns stay for ever. */
const TURN_EVENT_DAYS = 14;
/** Bytes of turn events that are kept of one agent: what a flood may take. */
const TURN_EVENT_BYTES = 1024 ** 3;

export interface RetentionOptions {
  now?: () => number;
  log?: (words: string) => void;
  /** A round has failed; the next hour tries again. */
  onUnexpected(error: unknown): void;
  turnEventBytes?: number;
  /** Milliseconds of a clock that never jumps. */
  passed?: () => number;
}

/** How far two clocks may drift apart in an hour. Milliseconds. */
const DRIFT_MS = 10 * 60_000;

/** Tells whether the clock of the wall went as time did since it was last looked at. */
class SteadyClock {
  readonly #now: () => number;
  readonly #passed: () => number;
  #last: number | undefined;

  constructor(now: () => number, passed: () => number) {
    this.#now = now;
    this.#passed = passed;
  }

  look(): boolean {
    const offset = this.#now() - this.#passed();
    const isSteady = this.#last !== undefined && Math.abs(offset - this.#last) <= DRIFT_MS;
    this.#last = offset;
    return isSteady;
  }
}

/** Prunes what need not be kept, hourly. */
export class Retention {
  readonly #store: Store;
  readonly #now: () => number;
  readonly #onUnexpected: (error: unknown) => void;
  readonly #log: (words: string) => void;
  readonly #turnEventBytes: number;
  #timer: NodeJS.Timeout | undefined;
  readonly #steady: SteadyClock;

  constructor(store: Store, options: RetentionOptions) {
    this.#store = store;
    this.#onUnexpected = options.onUnexpected;
    this.#now = options.now ?? Date.now;
    this.#log = options.log ?? (() => {});
    this.#steady = new SteadyClock(this.#now, options.passed ?? (() => performance.now()));
    this.#turnEventBytes = options.turnEventBytes ?? TURN_EVENT_BYTES;
  }

  start(): void {
    this.#steady.look();
    this.#timer = setInterval(() => void this.tick().catch(this.#onUnexpected), HOUR_MS);
    this.#timer.unref();
  }

  /**
   * What happens every hour. What is removed is gone, so a clock that has jumped since the last look is not believed
   * before it has been steady for an hour.
   */
  async tick(): Promise<void> {
    if (this.#steady.look()) await this.runOnce();
    else this.#log("retention: the clock has jumped, nothing is removed before it has been steady for an hour");
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
    for (const { id } of this.#store.agents.all()) pruned.events += await this.#prune(id);
    if (pruned.bodies + pruned.events > 0)
      this.#log(`retention: ${pruned.bodies} bodies and ${pruned.events} turn events removed`);
    return pruned;
  }

  /** Removes an agent's oldest turn events past what is kept of it, in small steps. */
  async #prune(agent: string): Promise<number> {
    let kept = 0;
    let cut: number | undefined = Number.MAX_SAFE_INTEGER;
    while (cut !== undefined && kept <= this.#turnEventBytes) {
      const step = this.#store.eventRetention.weigh(agent, cut);
      kept += step.bytes;
      cut = step.next;
      await new Promise((resolve) => setImmediate(resolve));
    }
    let removed = 0;
    for (let before = cut; before !== undefined;) {
      const at = before;
      const step = await this.#store.write(() => this.#store.eventRetention.remove(agent, at));
      removed += step.removed;
      if (!step.more) before = undefined;
    }
    return removed;
  }
}
