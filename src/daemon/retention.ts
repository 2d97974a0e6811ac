import type { Service } from "../lib/services.ts";
import type { KeptRows } from "../store/row-retention.ts";
import type { Store } from "../store/store.ts";
import { SYSTEM } from "../wire/names.ts";

const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;
/** How long the body of a delivered message is kept. Its other columns are kept longer: `MOST_SENT`. */
const BODY_DAYS = 30;
/** How long the cost of a chain is kept after its last turn: only a chain that goes on needs it. */
const CHAIN_DAYS = 30;
/** How long turn events are kept. The marks of turns are kept longer: `MOST_TURNS`. */
const TURN_EVENT_DAYS = 14;
/** Bytes of turn events kept per agent. This bounds a flood. */
const TURN_EVENT_BYTES = 1024 ** 3;
/** Bytes of bodies kept per sender, including waiting messages. Bodies of delivered messages are removed first. */
const SENT_BYTES = 1024 ** 3;
/** Turns with their marks, and connections, kept per agent: years of work. This also bounds a loop. */
const MOST_TURNS = 100_000;
const MOST_CONNECTIONS = 100_000;
/** Messages kept per sender, with or without their bodies: years of work, or an hour of a flood. */
const MOST_SENT = 200_000;
/** Closed questions kept per agent: more than an operator answers in years. Each takes 72 KiB at most. */
const MOST_QUESTIONS = 10_000;
/** Audit lines kept per agent, not counting those of requests: years of starts and stops. */
const MOST_TRAIL = 100_000;
/** An agent is pruned after it has added this many bytes, without waiting for the hourly round. */
const PRUNE_AFTER_BYTES = 64 * 1024 ** 2;

/** The bytes counted for the record of a connection, including its index entry. */
export const CONNECTION_BYTES = 512;
/** The bytes counted for a message in addition to its body, including its index entries. */
export const MESSAGE_BYTES = 512;

/** The approximate bytes that these events take when stored. */
export function roughBytes(events: readonly { event: object }[]): number {
  return events.reduce((sum, { event }) => sum + JSON.stringify(event).length, 0);
}

export interface RetentionOptions {
  now?: () => number;
  log?: { info(words: string): void };
  /** Reports a failed round. The next hourly round tries again. */
  onUnexpected(error: unknown): void;
  turnEventBytes?: number;
  sentBytes?: number;
  mostTurns?: number;
  mostConnections?: number;
  mostSent?: number;
  mostQuestions?: number;
  mostTrail?: number;
  pruneAfterBytes?: number;
  /** Milliseconds of a clock that never jumps. */
  passed?: () => number;
}

/** The maximum drift between the two clocks in an hour. Milliseconds. */
const DRIFT_MS = 10 * 60_000;

/** Compares the wall clock with a monotonic clock. */
class SteadyClock {
  readonly #now: () => number;
  readonly #passed: () => number;
  #last: number | undefined;

  constructor(now: () => number, passed: () => number) {
    this.#now = now;
    this.#passed = passed;
  }

  /** True if the wall clock has advanced like the monotonic clock since the last check. False at the first check. */
  check(): boolean {
    const offset = this.#now() - this.#passed();
    const isSteady = this.#last !== undefined && Math.abs(offset - this.#last) <= DRIFT_MS;
    this.#last = offset;
    return isSteady;
  }
}

/** Prunes old data every hour. */
export class Retention implements Service {
  readonly #store: Store;
  readonly #now: () => number;
  readonly #onUnexpected: (error: unknown) => void;
  readonly #log: { info(words: string): void };
  readonly #turnEventBytes: number;
  readonly #sentBytes: number;
  readonly #mostSent: number;
  readonly #kept: readonly [rows: KeptRows, keep: number, key: "id" | "name"][];
  readonly #pruneAfterBytes: number;
  /** The bytes that each agent has added since it was last pruned. `#pruning` has the prunings in progress. */
  readonly #added = new Map<string, number>();
  readonly #pruning = new Map<string, Promise<number>>();
  #timer: NodeJS.Timeout | undefined;
  readonly #steady: SteadyClock;

  constructor(store: Store, options: RetentionOptions) {
    this.#store = store;
    this.#onUnexpected = options.onUnexpected;
    this.#now = options.now ?? Date.now;
    this.#log = options.log ?? { info: () => {} };
    this.#steady = new SteadyClock(this.#now, options.passed ?? (() => performance.now()));
    this.#turnEventBytes = options.turnEventBytes ?? TURN_EVENT_BYTES;
    this.#sentBytes = options.sentBytes ?? SENT_BYTES;
    this.#pruneAfterBytes = options.pruneAfterBytes ?? PRUNE_AFTER_BYTES;
    this.#mostSent = options.mostSent ?? MOST_SENT;
    const { turns, marks, connections, questions, trail } = store.rowRetention;
    const mostTurns = options.mostTurns ?? MOST_TURNS;
    this.#kept = [
      [turns, mostTurns, "id"],
      [marks, 2 * mostTurns, "id"],
      [connections, options.mostConnections ?? MOST_CONNECTIONS, "id"],
      [questions, options.mostQuestions ?? MOST_QUESTIONS, "id"],
      [trail, options.mostTrail ?? MOST_TRAIL, "name"],
    ];
  }

  start(): void {
    this.#steady.check();
    this.#timer = setInterval(() => void this.tick().catch(this.#onUnexpected), HOUR_MS);
    this.#timer.unref();
  }

  /**
   * The hourly round. A removal is permanent, so after a jump of the clock nothing is removed until the clock has been
   * steady for an hour.
   */
  async tick(): Promise<void> {
    if (this.#steady.check()) await this.runOnce();
    else this.#log.info("retention: the clock has jumped, nothing is removed before it has been steady for an hour");
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /**
   * Counts bytes that an agent adds as messages, events or records. Resolves when there is room for them. After each
   * `PRUNE_AFTER_BYTES` the oldest are removed, so a flood exceeds the limits by at most that much.
   */
  async added(agent: string, bytes: number): Promise<void> {
    const sum = (this.#added.get(agent) ?? 0) + bytes;
    this.#added.set(agent, sum);
    if (sum > this.#pruneAfterBytes) await this.#prune(agent);
  }

  /** Counts turn events like `added`. */
  addedEvents(agent: string, events: readonly { event: object }[]): Promise<void> {
    return this.added(agent, roughBytes(events));
  }

  /** Runs one round. Resolves with the number of removed bodies and turn events. */
  async runOnce(): Promise<{ bodies: number; events: number }> {
    const now = this.#now();
    const pruned = await this.#store.write(() => ({
      bodies: this.#store.messages.prune(now - BODY_DAYS * DAY_MS),
      events: this.#store.turns.prune(now - TURN_EVENT_DAYS * DAY_MS),
      chains: this.#store.chains.prune(now - CHAIN_DAYS * DAY_MS),
    }));
    for (const { id } of this.#store.agents.all()) pruned.events += await this.#prune(id);
    // The daemon's own messages are caused by agents, so they have the same limit.
    await this.#pruneSent(SYSTEM);
    if (pruned.bodies + pruned.events > 0)
      this.#log.info(`retention: ${pruned.bodies} bodies and ${pruned.events} turn events removed`);
    return pruned;
  }

  /** Removes an agent's oldest rows beyond its limits. Concurrent calls share one pruning. */
  #prune(agent: string): Promise<number> {
    const running = this.#pruning.get(agent);
    if (running) return running;
    this.#added.delete(agent);
    const pruning = this.#pruneSent(agent)
      .then(() => this.#pruneEvents(agent))
      .finally(() => this.#pruning.delete(agent));
    this.#pruning.set(agent, pruning);
    return pruning;
  }

  /** Removes a principal's oldest sent bodies beyond the byte limit, and its oldest messages beyond the row limit. */
  async #pruneSent(sender: string): Promise<void> {
    const { weigh, forget, remove } = this.#store.sentRetention;
    let bytes = 0;
    let rows = 0;
    let bodies: number | undefined;
    let cut: number | undefined = Number.MAX_SAFE_INTEGER;
    while (cut !== undefined && rows < this.#mostSent) {
      const step = weigh(sender, cut);
      bytes += step.bytes;
      rows += step.rows;
      cut = step.next;
      if (bytes > this.#sentBytes) bodies ??= cut;
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (cut !== undefined) await this.#inSteps(cut, (from, before) => remove(sender, from, before));
    if (bodies !== undefined) await this.#inSteps(bodies, (from, before) => forget(sender, from, before));
  }

  /** Removes messages below `before` in steps. Each step is a separate write. */
  async #inSteps(before: number, step: (from: number, before: number) => number | undefined): Promise<void> {
    for (let after: number | undefined = 0; after !== undefined;) {
      const from: number = after;
      after = await this.#store.write(() => step(from, before));
    }
  }

  /** Removes the agent's other old rows in small steps. Resolves with the number of removed events. */
  async #pruneEvents(agent: string): Promise<number> {
    const name = this.#store.agents.all().find(({ id }) => id === agent)?.name ?? agent;
    for (const [rows, keep, key] of this.#kept) {
      const of = key === "id" ? agent : name;
      const cut = rows.cut(of, keep);
      for (let more = cut !== undefined; more && cut !== undefined;) more = await this.#store.write(() => rows.remove(of, cut));
    }
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
