import { HiveError, type ErrorCode } from "../../wire/error.ts";
import type { Dialect, ModelPath } from "../model/dialect.ts";
import { readBody } from "./body.ts";
import { upstreamHeaders } from "./headers.ts";
import { UsageMeter } from "./meter.ts";
import { checkModel } from "./models.ts";
import { signalOf } from "./signals.ts";

/** The only query that a request may have. The upstream gets it in any case. */
const QUERY = "beta=true";
const PATHS: ReadonlySet<string> = new Set<ModelPath>(["/v1/messages", "/v1/messages/count_tokens"]);

const STATUS: Partial<Record<ErrorCode, number>> = {
  bad_request: 400,
  // As a bad request: 401 and 403 would make the CLI ask for a login.
  forbidden: 400,
  not_found: 404,
  too_large: 413,
  rate_limited: 429,
  unavailable: 502,
};
/** The API's own error types, by status. */
const ERROR_TYPES: Record<number, string> = {
  400: "invalid_request_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
};

/** Anthropic's Messages API. */
export const anthropic: Dialect = {
  pathOf(method, url) {
    const [path = "", query] = (url ?? "").split(/\?(.*)/s, 2);
    if (method !== "POST" || !isServed(path))
      throw new HiveError(
        "not_found",
        `${method ?? ""} ${path.slice(0, 120)} is not served here: only POST /v1/messages and token counting`,
      );
    if (query !== undefined && query !== QUERY)
      throw new HiveError("bad_request", `the query ?${query.slice(0, 80)} is not allowed from a cage; allowed: ?${QUERY}`);
    return path;
  },
  readBody,
  headersOf: upstreamHeaders,
  checkModel,
  meter: (contentType) => new UsageMeter(contentType),
  signalOf,
  withoutRetry: (headers) => ({ ...headers, "x-should-retry": "false" }),
  refusal(error) {
    const status = STATUS[error.code] ?? 500;
    const type = ERROR_TYPES[status] ?? "api_error";
    // A budget does not come back while the CLI waits in the middle of its turn.
    const headers: Record<string, string> = status === 429 ? { "x-should-retry": "false" } : {};
    return { status, headers, body: JSON.stringify({ type: "error", error: { type, message: `hyperhive: ${error.message}` } }) };
  },
};

const isServed = (path: string): path is ModelPath => PATHS.has(path);
