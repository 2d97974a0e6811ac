/** Interval at which the elapsed time is checked. Milliseconds. */
const SLICE_MS = 1_000;
/** Longest interval between two checks of the clock. Milliseconds. */
const LOOK_MS = 60_000;
/** A slice that is late by this much does not count: the process was suspended or busy. */
const SUSPENDED_MS = 1_000;

/**
 * Runs `act` after `ms` milliseconds in which this process was awake and reachable. While the process is suspended, a
 * peer may have done its part in time, and its data is unread in a socket; a plain timer would fire first. Returns a
 * function that cancels. Does not keep the process alive.
 */
export function afterAwake(ms: number, act: () => void): () => void {
  const slice = Math.min(ms, SLICE_MS);
  let left = ms;
  let lookedAt = performance.now();
  let timer = setTimeout(look, slice);
  timer.unref();

  function look(): void {
    const passed = performance.now() - lookedAt;
    lookedAt += passed;
    if (passed < slice + SUSPENDED_MS) left -= passed;
    // A timer may fire slightly early.
    if (left < 1) return act();
    timer = setTimeout(look, Math.min(slice, left));
    timer.unref();
  }
  return () => clearTimeout(timer);
}

/**
 * A moment that comes at its time by the clock or after the time until then has elapsed, whichever is first. A clock
 * that jumps back delays nothing. A clock that is set forward (or a host that has slept) is believed.
 */
export class Moment {
  readonly #at: number;
  readonly #now: () => number;
  readonly #passed: number;

  /** `at` by the clock `now`, in milliseconds. */
  constructor(at: number, now: () => number) {
    this.#at = at;
    this.#now = now;
    this.#passed = performance.now() + (at - now());
  }

  get hasCome(): boolean {
    return this.#left <= 0;
  }

  get #left(): number {
    return Math.min(this.#at - this.#now(), this.#passed - performance.now());
  }

  /** How long a timer may wait before the next check: setting the clock triggers no event. */
  get pause(): number {
    return Math.min(Math.max(1, this.#left), LOOK_MS);
  }
}
