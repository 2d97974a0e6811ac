import type { SDKResultMessage } from "@anthropic-ai/claude-agent-sdk";
import type { TokenCounts } from "../../wire/agent.ts";

/** What a prompt used, as the CLI says; the daemon puts its own metering in place of it. */
export interface Figures {
  tokens: TokenCounts;
  cost_usd?: number;
  context_tokens?: number;
  context_window?: number;
}

export const NO_FIGURES: Figures = { tokens: { input: 0, output: 0, cache_read: 0, cache_write: 0 } };

/** How one prompt ended. */
export interface PromptEnd {
  kind: "ok" | "cancelled" | "prompt_too_long" | "rate_limited" | "needs_login" | "upstream" | "failed" | "crashed";
  reason: string;
  /** When a rate limit ends, if the CLI was told. RFC 3339. */
  resumesAt?: string;
  figures: Figures;
}

/** Anthropic's status for "overloaded". */
const LOWEST_UPSTREAM_FAULT = 500;
/** Characters of a reason: one line on a page. */
const MAX_REASON_CHARS = 300;

/**
 * Reads a result. An API failure comes as `subtype: "success"` with `is_error: true` (measured), so what counts is
 * `is_error`, `terminal_reason` and `api_error_status`.
 */
export function endOf(result: SDKResultMessage, figures: Figures): PromptEnd {
  const reason = words(result);
  const end = (kind: PromptEnd["kind"]): PromptEnd => ({ kind, reason, figures });
  const terminal = result.terminal_reason;
  if (terminal === "aborted_streaming" || terminal === "aborted_tools") return end("cancelled");
  if (terminal === "prompt_too_long" || terminal === "blocking_limit" || /prompt is too long/i.test(reason))
    return end("prompt_too_long");
  const status = "api_error_status" in result ? (result.api_error_status ?? undefined) : undefined;
  if (status === 429) return end("rate_limited");
  if (status === 401 || status === 403) return end("needs_login");
  if (/not logged in|please run \/login|invalid api key/i.test(reason) && result.is_error) return end("needs_login");
  if (status !== undefined && status >= LOWEST_UPSTREAM_FAULT) return end("upstream");
  if (terminal === "api_error" && status === undefined) return end("upstream");
  if (result.is_error || result.subtype !== "success") return end("failed");
  return end("ok");
}

function words(result: SDKResultMessage): string {
  const text = result.subtype === "success" ? result.result : result.errors.join("; ") || result.subtype;
  const line = text.trim().split("\n")[0] ?? "";
  return (line || result.terminal_reason || result.subtype).slice(0, MAX_REASON_CHARS);
}
