import { HiveError, type ErrorCode } from "../wire/error.ts";

/** Refusals of the request itself: the same request is refused again. */
const FOR_GOOD: ReadonlySet<ErrorCode> = new Set(["bad_request", "too_large", "not_found", "protocol", "unauthorized"]);

/** True for a refusal that a retry of the same request does not change. */
export function isForGood(error: unknown): error is HiveError {
  return error instanceof HiveError && FOR_GOOD.has(error.code);
}
