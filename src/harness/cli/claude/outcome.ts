import type { SDKAssistantMessageError, SDKResultMessage } from "@anthropic-ai/claude-agent-sdk";
import type { TurnEnd } from "../../../wire/turn-ends.ts";
import type { Figures, PromptEnd } from "../port.ts";

/** Facts about the turn that the stream reported before its result. */
export interface TurnFacts {
  /** The turn began a session, so its whole history belongs to this turn. */
  fresh: boolean;
  /** The model has answered at least once in this turn. */
  answered: boolean;
  /** The CLI's name for the API's error, if there was one. */
  apiError: SDKAssistantMessageError | undefined;
}

/** Statuses from here on are the API's own fault. Anthropic's "overloaded" is 529. */
const LOWEST_UPSTREAM_FAULT = 500;
/** Statuses with which the API asks for a retry. */
const PASSING = new Set([408, 409, 425]);
/** Errors that require a person to check the account. */
const LOGIN_ERRORS: ReadonlySet<string> = new Set([
  "authentication_failed",
  "oauth_org_not_allowed",
  "account_on_hold",
  "verification_required",
]);
/** The prefix of a refusal by the hive's own gateway (src/gateway/model/proxy.ts). */
const GATEWAY = /\bhyperhive: /;
/** Maximum characters of a reason: one line on a page. */
const MAX_REASON_CHARS = 300;

/**
 * Classifies a result. The CLI reports an API failure as `subtype: "success"` with `is_error: true` (measured), so the
 * fields that count are `is_error`, `terminal_reason` and `api_error_status`.
 */
export function endOf(result: SDKResultMessage, figures: Figures, facts: TurnFacts): PromptEnd {
  const reason = resultWords(result);
  return { kind: endKind(result, reason, facts), reason, figures };
}

function endKind(result: SDKResultMessage, reason: string, { fresh, answered, apiError }: TurnFacts): TurnEnd {
  const terminal = result.terminal_reason;
  if (terminal === "aborted_streaming" || terminal === "aborted_tools") return "interrupted";
  const status = "api_error_status" in result ? (result.api_error_status ?? undefined) : undefined;
  if (terminal === "prompt_too_long" || terminal === "blocking_limit" || status === 413) return "prompt_too_long";
  // Below this line `reason` is a text of the CLI. In a successful turn it is the model's text.
  if (!result.is_error && result.subtype === "success") return "ok";
  if (/prompt is too long/i.test(reason)) return "prompt_too_long";
  if (status === 429) return "rate_limited";
  if (status === 402 || apiError === "billing_error") return "billing";
  if (status === 401 || status === 403 || (apiError !== undefined && LOGIN_ERRORS.has(apiError))) return "needs_login";
  if (/not logged in|please run \/login|invalid api key/i.test(reason)) return "needs_login";
  if (status === 404 || apiError === "model_not_found" || GATEWAY.test(reason)) return "config";
  if (status !== undefined && (status >= LOWEST_UPSTREAM_FAULT || PASSING.has(status))) return "upstream";
  if (terminal === "api_error" && status === undefined) return "upstream";
  if (status !== undefined || terminal === "image_error") {
    if (!fresh) return "session_refused";
    return answered ? "failed" : "config";
  }
  return "failed";
}

/** The first line of a result's text, bounded. */
export function resultWords(result: SDKResultMessage): string {
  const text = result.subtype === "success" ? result.result : result.errors.join("; ") || result.subtype;
  const line = text.trim().split("\n")[0] ?? "";
  return (line || result.terminal_reason || result.subtype).slice(0, MAX_REASON_CHARS);
}
