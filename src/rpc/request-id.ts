import { HiveError } from "../wire/error.ts";
import { MAX_REQUEST_ID_CHARS } from "../wire/limits.ts";

/** What a caller names its request with. The answer carries it, so it is kept until then. */
export type RequestId = number | string;

/** The `id` of a request, or undefined if it has none. Throws `bad_request` for anything that is not short. */
export function requestId(value: unknown): RequestId | undefined {
  if (value === undefined || Number.isSafeInteger(value)) return value as number | undefined;
  if (typeof value === "string" && value.length <= MAX_REQUEST_ID_CHARS) return value;
  throw new HiveError(
    "bad_request",
    `id: it is a whole number up to 2^53 - 1 or a text of up to ${MAX_REQUEST_ID_CHARS} characters`,
  );
}
