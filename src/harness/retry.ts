/** Pauses between two attempts to reach the daemon. Milliseconds. */
const FIRST_MS = 20;
const MOST_MS = 2_000;

/**
 * Pauses between attempts to connect, in milliseconds: each twice the one before, at most two seconds, and a random
 * part of up to half taken off, so that the harnesses of a hive do not all come at once when its daemon is back.
 */
export function* retryPauses(random: () => number = Math.random): Generator<number, never> {
  for (let pause = FIRST_MS; ; pause = Math.min(pause * 2, MOST_MS)) yield pause * (1 - random() / 2);
}
