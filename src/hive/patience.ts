/** How often the time that has passed is looked at. Milliseconds. */
const SLICE_MS = 1_000;
/** The longest that something which waits for the clock goes without looking at it. Milliseconds. */
const LOOK_MS = 60_000;
/** A slice that took this much longer than it should was not one of waiting: the process was suspended, or busy. */
const SUSPENDED_MS = 1_000;

/**
 * Does something after `ms` in which this process was awake and could be spoken to. What a peer has to do in time may
 * have been done while the process was suspended, and lie unread in its sockets: a plain timer would come first.
 * Returns how to call it off. Does not keep the process alive.
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
    // A timer may come a little early.
    if (left < 1) return act();
    timer = setTimeout(look, Math.min(slice, left));
    timer.unref();
  }
  return () => clearTimeout(timer);
}

/**
 * A moment that comes when the clock says so, or when the time until then has passed, whichever is first: a clock that
 * jumps back puts nothing off, one that is set forward (or a host that has slept) is believed.
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

  /** How long a timer may wait before somebody looks again: a clock tells nobody that it was set. */
  get pause(): number {
    return Math.min(Math.max(1, this.#left), LOOK_MS);
  }
}
