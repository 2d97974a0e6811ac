import type { Usage } from "../gateway/model/dialect.ts";
import type { Days } from "../policy/days.ts";
import type { Store } from "../store/store.ts";
import type { Metered } from "../store/turns.ts";

interface Tally {
  tokens: number;
  /** US dollars of the requests that have a price. `unpriced` counts those that have none. */
  cost: number;
  unpriced: number;
}

const NOTHING: Readonly<Tally> = { tokens: 0, cost: 0, unpriced: 0 };

const DAY_MS = 86_400_000;
/** The last `days` dates up to that of a day. */
export function lastDays(days: number, until: string): { since: string; until: string } {
  return { since: new Date(Date.parse(until) - (days - 1) * DAY_MS).toISOString().slice(0, 10), until };
}

/** Today's usage by agent, by the operator's day. It is kept in memory for display, and permanently in the ledger. */
export class UsageToday {
  readonly #store: Store;
  readonly #days: Pick<Days, "at">;
  readonly #now: () => number;
  #day = "";
  #byAgent = new Map<string, Tally>();

  constructor(store: Store, days: Pick<Days, "at">, now: () => number) {
    this.#store = store;
    this.#days = days;
    this.#now = now;
    this.#startDay();
  }

  /** Counts an answer, what its turn has used so far, and the chain of messages. Resolves when it is stored. */
  async add(usage: Usage, turn?: Metered & { turn: number }, chain?: number): Promise<void> {
    this.#startDay();
    const { input, output, cache_read, cache_write } = usage.tokens;
    const tally = this.#byAgent.get(usage.agentId) ?? { ...NOTHING };
    tally.tokens += input + output + cache_read + cache_write;
    tally.cost += usage.costUsd ?? 0;
    if (usage.costUsd === undefined) tally.unpriced++;
    this.#byAgent.set(usage.agentId, tally);
    const record = {
      agent: usage.agentId,
      day: this.#day,
      model: usage.model,
      credential: usage.credential,
      input,
      output,
      cacheRead: cache_read,
      cacheWrite: cache_write,
      costUsd: usage.costUsd,
      budgetUsd: usage.budgetUsd,
    };
    const metered = turn && {
      tokens: { ...turn.tokens },
      costUsd: turn.costUsd,
      isUnpriced: turn.isUnpriced,
      budgetUsd: turn.budgetUsd,
      credential: turn.credential,
      answeredAt: turn.answeredAt,
    };
    await this.#store.write(() => {
      this.#store.usage.add(record);
      const { costUsd } = record;
      const used = { costUsd: costUsd ?? 0, unpriced: costUsd === undefined ? 1 : 0, output };
      if (chain !== undefined) this.#store.chains.add(chain, used, this.#now());
      if (metered) this.#store.turns.meter(usage.agentId, turn.turn, metered);
      else this.#store.changes.spendOutside(usage.agentId, { costUsd: record.budgetUsd, output, input: input + cache_write });
    });
  }

  of(agentId: string): Readonly<Tally> {
    this.#startDay();
    return this.#byAgent.get(agentId) ?? NOTHING;
  }

  total(): Tally {
    this.#startDay();
    const sum = { ...NOTHING };
    for (const tally of this.#byAgent.values()) {
      sum.tokens += tally.tokens;
      sum.cost += tally.cost;
      sum.unpriced += tally.unpriced;
    }
    return sum;
  }

  #startDay(): void {
    const today = this.#days.at(this.#now()).date;
    if (today === this.#day) return;
    this.#day = today;
    this.#byAgent = new Map(this.#store.usage.on(today).map(({ agent, ...tally }) => [agent, tally]));
  }
}
