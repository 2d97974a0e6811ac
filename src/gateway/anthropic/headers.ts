/** Request headers that are forwarded, with the form of their value. A header that does not match is dropped. */
const HEADERS: Record<string, RegExp> = {
  accept: /^application\/json$/,
  "anthropic-version": /^\d{4}-\d{2}-\d{2}$/,
  "user-agent": /^[\x20-\x7e]{1,256}$/,
  "x-app": /^[a-z-]{1,32}$/,
  "x-stainless-lang": /^[\w.-]{1,32}$/,
  "x-stainless-package-version": /^[\w.+-]{1,32}$/,
  "x-stainless-runtime": /^[\w.-]{1,32}$/,
  "x-stainless-runtime-version": /^[\w.+-]{1,32}$/,
  "x-stainless-os": /^[\w .:-]{1,64}$/,
  "x-stainless-arch": /^[\w .:-]{1,32}$/,
  "x-stainless-retry-count": /^\d{1,3}$/,
  "x-stainless-timeout": /^\d{1,6}$/,
};

/**
 * Features that change how the model answers, not what it reaches, named without their date. body.ts and content.ts
 * list what a feature adds to the body.
 */
export const BETAS = new Set([
  "advanced-tool-use",
  "claude-code",
  "claude-code-side-query",
  "context-1m",
  "context-management",
  "effort",
  "extended-cache-ttl",
  "fine-grained-tool-streaming",
  "interleaved-thinking",
  "mid-conversation-system",
  "mid-conversation-system-clear-at",
  "mid-conversation-tool-changes",
  "oauth",
  "output-128k",
  "per-turn-control",
  "redact-thinking",
  "structured-outputs",
  "task-budgets",
  "thinking-display-updates",
  "thinking-token-count",
  "token-counting",
  "token-efficient-tools",
  "tool-search-tool",
]);

/**
 * Features that the CLI requests and works without: a credit for requests that the API itself sends to another model.
 */
export const LEFT_OUT_BETAS = new Set(["fallback-credit"]);

/** The name of a beta without its date. */
export const betaName = (beta: string): string => beta.replace(/-\d{4}-?\d{2}-?\d{2}$/, "");

/** The headers to forward: a fixed few, and the listed features. The agent's own keys are never forwarded. */
export function upstreamHeaders(headers: NodeJS.Dict<string | string[]>): Record<string, string> {
  const kept: Record<string, string> = { "content-type": "application/json" };
  for (const [name, form] of Object.entries(HEADERS)) {
    const value = headers[name];
    if (typeof value === "string" && form.test(value)) kept[name] = value;
  }
  const asked = headers["anthropic-beta"];
  const betas = (typeof asked === "string" ? asked : (asked ?? []).join(","))
    .split(",")
    .map((beta) => beta.trim())
    .filter((beta) => BETAS.has(betaName(beta)));
  if (betas.length > 0) kept["anthropic-beta"] = betas.join(",");
  return kept;
}
