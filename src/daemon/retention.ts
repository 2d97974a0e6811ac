import type { Service } from "../lib/services.ts";
import type { KeptRows } from "../store/row-retention.ts";
import type { Store } from "../store/store.ts";
import { SYSTEM } from "../wire/names.ts";

const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;
/** How long the body of a delivered message is kept. What it says of itself stays longer: `MOST_SENT`. */
const BODY_DAYS = 30;
/** How long turn events are kept. The marks of turns stay longer: `MOST_TURNS`. */
const TURN_EVENT_DAYS = 14;
/** Bytes of turn events that are kept of one agent: what a flood may take. */
const TURN_EVENT_BYTES = 1024 ** 3;
/** Bytes of bodies of one sender that are kept, those that wait among them: what has arrived goes first. */
const SENT_BYTES = 1024 ** 3;
/** Turns of one agent that are kept with their marks, and connections: years of work, and what a loop may leave. */
const MOST_TURNS = 100_000;
const MOST_CONNECTIONS = 100_000;
/** Messages of one sender that are kept, without their bodies if need be: years of work, and an hour of a flood. */
const MOST_SENT = 200_000;
/** Closed questions of one agent that are kept: more than an operator answers in years. Each takes 72 KiB at most. */
const MOST_QUESTIONS = 10_000;
/** Lines of the audit trail about one agent that are kept, besides those of requests: years of starts and stops. */
const MOST_TRAIL = 100_000;
/** Bytes that one agent may add before it is pruned, whatever the hour. */
const PRUNE_AFTER_BYTES = 64 * 1024 ** 2;

/** What the record of a connection is counted as, with its place in the index. */
export const CONNECTION_BYTES = 512;
/** What a message is counted as besides its body, with its places in the indexes. */
export const MESSAGE_BYTES = 512;

/** Bytes that these events take when they are stored, about. */
export function roughBytes(events: readonly { event: object }[]): number {
  return events.reduce((sum, { event }) => sum + JSON.stringify(event).length, 0);
}

export interface RetentionOptions {
  now?: () => number;
  log?: { info(words: string): void };
  /** A round has failed; the next hour tries again. */
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
  /** What each agent has added since it was pruned last, and the pruning that is under way. */
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
    else this.#log.info("retention: the clock has jumped, nothing is removed before it has been steady for an hour");
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /**
   * An agent has added so many bytes of messages, events or records. Resolves once there is room for them: after each
   * `PRUNE_AFTER_BYTES` the oldest go first, so no flood is ahead of the hourly round by more than that.
   */
  async added(agent: string, bytes: number): Promise<void> {
    const sum = (this.#added.get(agent) ?? 0) + bytes;
    this.#added.set(agent, sum);
    if (sum > this.#pruneAfterBytes) await this.#prune(agent);
  }

  /** The same for events of turns. */
  addedEvents(agent: string, events: readonly { event: object }[]): Promise<void> {
    return this.added(agent, roughBytes(events));
  }

  /** One round. */
  async runOnce(): Promise<{ bodies: number; events: number }> {
    const now = this.#now();
    const pruned = await this.#store.write(() => ({
      bodies: this.#store.messages.prune(now - BODY_DAYS * DAY_MS),
      events: this.#store.turns.prune(now - TURN_EVENT_DAYS * DAY_MS),
    }));
    for (const { id } of this.#store.agents.all()) pruned.events += await this.#prune(id);
    // What the daemon sends is about what agents do.
    await this.#pruneSent(SYSTEM);
    if (pruned.bodies + pruned.events > 0)
      this.#log.info(`retention: ${pruned.bodies} bodies and ${pruned.events} turn events removed`);
    return pruned;
  }

  /** Removes an agent's oldest rows past what is kept of it. Those who ask while it is under way wait for the same. */
  #prune(agent: string): Promise<number> {
    const underWay = this.#pruning.get(agent);
    if (underWay) return underWay;
    this.#added.delete(agent);
    const pruning = this.#pruneSent(agent)
      .then(() => this.#pruneEvents(agent))
      .finally(() => this.#pruning.delete(agent));
    this.#pruning.set(agent, pruning);
    return pruning;
  }

  /** Removes the oldest bodies that a principal has sent past what is kept of them, and the oldest messages likewise. */
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

  /** Runs a removal of messages below `before` until it is through: each step is a write of its own. */
  async #inSteps(before: number, step: (from: number, before: number) => number | undefined): Promise<void> {
    for (let after: number | undefined = 0; after !== undefined;) {
      const from: number = after;
      after = await this.#store.write(() => step(from, before));
    }
  }

  /** The same in small steps; gives the number of events that went. */
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
