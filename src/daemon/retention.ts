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
  turnEventBytes?: number;
}

/** Prunes what need not be kept, hourly. */
export class Retention {
  readonly #store: Store;
  readonly #now: () => number;
  readonly #log: (words: string) => void;
  readonly #turnEventBytes: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(store: Store, options: RetentionOptions = {}) {
    this.#store = store;
    this.#now = options.now ?? Date.now;
    this.#log = options.log ?? (() => {});
    this.#turnEventBytes = options.turnEventBytes ?? TURN_EVENT_BYTES;
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
