import { HiveError, type ErrorCode } from "../wire/error.ts";

/** Refusals of the request itself: the same request is refused again. */
const FOR_GOOD: ReadonlySet<ErrorCode> = new Set(["bad_request", "too_large", "not_found", "protocol", "unauthorized"]);

/** True for a refusal that a retry of the same request does not change. */
export function isForGood(error: unknown): error is HiveError {
  return error instanceof HiveError && FOR_GOOD.has(error.code);
}

/** Pauses between two attempts to reach the daemon. Milliseconds. */
const FIRST_MS = 20;
const MOST_MS = 2_000;

/**
 * Pauses between attempts to connect, in milliseconds: each is twice the one before, at most two seconds, minus a
 * random part of up to half, so that the harnesses of a hive do not all reconnect at once when its daemon is back.
 */
export function* retryPauses(random: () => number = Math.random): Generator<number, never> {
  for (let pause = FIRST_MS; ; pause = Math.min(pause * 2, MOST_MS)) yield pause * (1 - random() / 2);
}
