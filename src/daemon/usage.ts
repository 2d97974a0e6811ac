import type { Usage } from "../gateway/model/dialect.ts";
import type { Store } from "../store/store.ts";

interface Tally {
  tokens: number;
  cost: number;
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** What was used today (UTC), by agent: in memory for showing, in the ledger for good. */
export class UsageToday {
  readonly #store: Store;
  readonly #now: () => number;
  #day = "";
  #byAgent = new Map<string, Tally>();

  constructor(store: Store, now: () => number) {
    this.#store = store;
    this.#now = now;
    this.#turnDay();
  }

  /** Counts an answer; resolves once it is stored. */
  async add(usage: Usage): Promise<void> {
    this.#turnDay();
    const { input, output, cache_read, cache_write } = usage.tokens;
    const tally = this.#byAgent.get(usage.agentId) ?? { tokens: 0, cost: 0 };
    tally.tokens += input + output + cache_read + cache_write;
    tally.cost += usage.costUsd ?? 0;
    this.#byAgent.set(usage.agentId, tally);
    const record = {
      agent: usage.agentId,
      day: this.#day,
      model: usage.model,
      input,
      output,
      cacheRead: cache_read,
      cacheWrite: cache_write,
      costUsd: usage.costUsd,
    };
    await this.#store.write(() => this.#store.usage.add(record));
  }

  of(agentId: string): Readonly<Tally> {
    this.#turnDay();
    return this.#byAgent.get(agentId) ?? { tokens: 0, cost: 0 };
  }

  total(): Tally {
    this.#turnDay();
    let tokens = 0;
    let cost = 0;
    for (const tally of this.#byAgent.values()) {
      tokens += tally.tokens;
      cost += tally.cost;
    }
    return { tokens, cost };
  }

  #turnDay(): void {
    const today = dayOf(this.#now());
    if (today === this.#day) return;
    this.#day = today;
    this.#byAgent = new Map(this.#store.usage.on(today).map((row) => [row.agent, { tokens: row.tokens, cost: row.cost }]));
  }
}
