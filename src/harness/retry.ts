import { HiveError, type ErrorCode } from "../wire/error.ts";

/** Refusals of what was said, not of the moment: the same said again is refused again. */
const FOR_GOOD: ReadonlySet<ErrorCode> = new Set(["bad_request", "too_large", "not_found", "protocol", "unauthorized"]);

/** True for a refusal that saying the same again does not change. */
export function isForGood(error: unknown): error is HiveError {
  return error instanceof HiveError && FOR_GOOD.has(error.code);
}

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
