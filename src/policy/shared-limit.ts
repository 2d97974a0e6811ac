import type { Service } from "../lib/services.ts";
import { Moment } from "../lib/timers.ts";
import { DEFAULT_CREDENTIAL } from "../wire/default-credential.ts";
import { HiveError } from "../wire/error.ts";
import { SHORT_LIMIT_MS } from "../wire/limits.ts";

/** The pause between two agents that go on after a limit: the first ones show whether it is over. Milliseconds. */
export const STAGGER_MS = 2_000;

export interface SharedLimitDeps {
  /** False: a limit holds only the agent that has met it. */
  isShared: boolean;
  /** The agents that use a credential, in the order in which they go on. */
  sharers(credential: string): string[];
  /** Called after an agent is held, or goes on. */
  changed(agentId: string): void;
  now(): number;
}

/** Why an agent waits for the limit of a credential: a clause. */
export const sharedLimitWords = (credential: string): string =>
  `the model's API limits the credential ${credential === DEFAULT_CREDENTIAL ? "" : `${credential} `}that the agents share`;

/** An agent that is held. */
interface Held {
  credential: string;
  /** When it goes on. Milliseconds since the epoch. */
  at: number;
  moment: Moment;
}

/**
 * Limits of the model's API. Each holds every agent that uses the credential. At its end they go on one after the other.
 * Kept in memory: the daemon's next request meets it again.
 */
export class SharedLimit implements Service {
  readonly #deps: SharedLimitDeps;
  /** By agent. */
  readonly #held = new Map<string, Held>();
  /** By credential: the end of its limit. Milliseconds since the epoch. */
  readonly #limits = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: SharedLimitDeps) {
    this.#deps = deps;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** An agent has met the limit of a credential, which ends at a time. It goes on first. */
  met(agentId: string, credential: string, resetsAt: number): void {
    const { isShared, sharers, now } = this.#deps;
    // A short one ends while the CLI waits, and to hold the others would end their turns.
    if (!isShared || resetsAt - now() <= SHORT_LIMIT_MS || resetsAt === this.#limits.get(credential)) return;
    this.#limits.set(credential, resetsAt);
    this.#hold(credential, [agentId, ...sharers(credential).filter((id) => id !== agentId)], resetsAt);
  }

  /** An answer has come without a limit. If nothing held its agent, the limit has ended early, and the others follow. */
  passed(agentId: string, credential: string): void {
    const now = this.#deps.now();
    const ends = this.#limits.get(credential);
    if (ends === undefined || now >= ends || this.#held.has(agentId)) return;
    this.#limits.set(credential, now);
    const others = [...this.#held].filter(([, held]) => held.credential === credential).map(([id]) => id);
    this.#hold(credential, others, now + STAGGER_MS);
  }

  /** Lets one agent go on now, because the operator wants to try. */
  release(agentId: string): void {
    this.#release([agentId]);
  }

  /** An agent uses a credential from now on: the limit of another one does not hold it any more. */
  uses(agentId: string, credential: string): void {
    if (this.#held.has(agentId) && this.#held.get(agentId)?.credential !== credential) this.#release([agentId]);
  }

  /** A credential is of another account, or is removed: the limit of the one before no longer holds an agent. */
  forget(credential: string): void {
    this.#limits.delete(credential);
    this.#release([...this.#held].filter(([, held]) => held.credential === credential).map(([id]) => id));
  }

  /** When an agent goes on; undefined if nothing holds it. Milliseconds since the epoch. */
  endOf(agentId: string): number | undefined {
    return this.#held.get(agentId)?.at;
  }

  /** Throws `rate_limited` while the limit holds an agent: its request would be refused anyway. */
  check(agentId: string): void {
    const held = this.#held.get(agentId);
    if (held) throw new HiveError("rate_limited", sharedLimitWords(held.credential));
  }

  /** Lets agents go on one after the other, the first one at a time. */
  #hold(credential: string, ids: readonly string[], first: number): void {
    ids.forEach((id, place) => {
      const at = first + place * STAGGER_MS;
      this.#held.set(id, { credential, at, moment: new Moment(at, this.#deps.now) });
    });
    for (const id of ids) this.#deps.changed(id);
    this.#arm();
  }

  #release(ids: readonly string[]): void {
    const released = ids.filter((id) => this.#held.delete(id));
    const limited = new Set([...this.#held.values()].map(({ credential }) => credential));
    for (const credential of this.#limits.keys()) if (!limited.has(credential)) this.#limits.delete(credential);
    for (const id of released) this.#deps.changed(id);
    this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    let pause = Infinity;
    for (const { moment } of this.#held.values()) pause = Math.min(pause, moment.pause);
    if (pause === Infinity) return;
    this.#timer = setTimeout(() => this.#release(this.#over()), pause);
    this.#timer.unref();
  }

  /** The agents whose time has come. */
  #over(): string[] {
    return [...this.#held].filter(([, { moment }]) => moment.hasCome).map(([id]) => id);
  }
}
