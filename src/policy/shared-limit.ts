import type { Service } from "../lib/services.ts";
import { Moment } from "../lib/timers.ts";
import { HiveError } from "../wire/error.ts";
import { SHORT_LIMIT_MS } from "../wire/limits.ts";

/** The pause between two agents that go on after a limit: the first ones show whether it is over. Milliseconds. */
export const STAGGER_MS = 2_000;

export interface SharedLimitDeps {
  /** False: a limit holds only the agent that has met it. */
  isShared: boolean;
  /** The agents that share the credential, in the order in which they go on. */
  sharers(): string[];
  /** Called after an agent is held, or goes on. */
  changed(agentId: string): void;
  now(): number;
}

/**
 * A limit of the model's API, which holds every agent that shares the credential. At its end they go on one after the
 * other. Kept in memory: the daemon's next request meets it again.
 */
export class SharedLimit implements Service {
  readonly #deps: SharedLimitDeps;
  /** By agent: when it goes on. Milliseconds since the epoch. */
  readonly #ends = new Map<string, { at: number; moment: Moment }>();
  #limitEnds: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: SharedLimitDeps) {
    this.#deps = deps;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** An agent has met a limit that ends at a time. It goes on first. */
  met(agentId: string, resetsAt: number): void {
    const { isShared, sharers, now } = this.#deps;
    // A short one ends while the CLI waits, and to hold the others would end their turns.
    if (!isShared || resetsAt - now() <= SHORT_LIMIT_MS || resetsAt === this.#limitEnds) return;
    this.#limitEnds = resetsAt;
    this.#hold([agentId, ...sharers().filter((id) => id !== agentId)], resetsAt);
  }

  /** An answer has come without a limit. If nothing held its agent, the limit has ended early, and the others follow. */
  passed(agentId: string): void {
    const now = this.#deps.now();
    if (this.#limitEnds === undefined || now >= this.#limitEnds || this.#ends.has(agentId)) return;
    this.#limitEnds = now;
    this.#hold([...this.#ends.keys()], now + STAGGER_MS);
  }

  /** Lets one agent go on now, because the operator wants to try. */
  release(agentId: string): void {
    this.#release([agentId]);
  }

  /** When an agent goes on; undefined if nothing holds it. Milliseconds since the epoch. */
  endOf(agentId: string): number | undefined {
    return this.#ends.get(agentId)?.at;
  }

  /** Throws `rate_limited` while the limit holds an agent: its request would be refused anyway. */
  check(agentId: string): void {
    if (this.#ends.has(agentId))
      throw new HiveError("rate_limited", "the model's API limits the credential that the agents share");
  }

  /** Lets agents go on one after the other, the first one at a time. */
  #hold(ids: readonly string[], first: number): void {
    ids.forEach((id, place) => {
      const at = first + place * STAGGER_MS;
      this.#ends.set(id, { at, moment: new Moment(at, this.#deps.now) });
    });
    for (const id of ids) this.#deps.changed(id);
    this.#arm();
  }

  #release(ids: readonly string[]): void {
    const released = ids.filter((id) => this.#ends.delete(id));
    if (this.#ends.size === 0) this.#limitEnds = undefined;
    for (const id of released) this.#deps.changed(id);
    this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    let pause = Infinity;
    for (const { moment } of this.#ends.values()) pause = Math.min(pause, moment.pause);
    if (pause === Infinity) return;
    this.#timer = setTimeout(() => this.#release(this.#over()), pause);
    this.#timer.unref();
  }

  /** The agents whose time has come. */
  #over(): string[] {
    return [...this.#ends].filter(([, { moment }]) => moment.hasCome).map(([id]) => id);
  }
}
