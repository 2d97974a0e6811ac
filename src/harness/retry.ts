import { HiveError, type ErrorCode } from "../wire/error.ts";

/** Refusals of the request itself: the same request is refused again. */
const PERMANENT: ReadonlySet<ErrorCode> = new Set(["bad_request", "too_large", "not_found", "protocol", "unauthorized"]);

/** True for a refusal that a retry of the same request does not change. */
export function isPermanent(error: unknown): error is HiveError {
  return error instanceof HiveError && PERMANENT.has(error.code);
}
