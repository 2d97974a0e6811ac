import type { UpstreamSignal } from "../model/dialect.ts";
import { planOf } from "./plan.ts";

/** What the status and the headers of an answer say about the account. */
export function signalOf(status: number, headers: Record<string, string>): Omit<UpstreamSignal, "agentId" | "credential"> {
  const plan = planOf(headers);
  return { ...statusOf(status, headers), ...(plan.length > 0 ? { plan } : {}) };
}

function statusOf(status: number, headers: Record<string, string>): Omit<UpstreamSignal, "agentId" | "credential"> {
  if (status === 401 || status === 403) return { kind: "unauthorized" };
  if (status === 429) {
    const resetsAt = resetOf(headers);
    return { kind: "rate_limited", ...(resetsAt === undefined ? {} : { resetsAt }) };
  }
  if (status >= 500) return { kind: "overloaded" };
  return { kind: "ok" };
}

/** When a limit ends, from any header that states it. */
function resetOf(headers: Record<string, string>): number | undefined {
  const unified = Number(headers["anthropic-ratelimit-unified-reset"]);
  if (Number.isFinite(unified) && unified > 0) return unified * 1000;
  const after = Number(headers["retry-after"]);
  if (headers["retry-after"] !== undefined && Number.isFinite(after)) return Date.now() + after * 1000;
  for (const what of ["requests", "tokens", "input-tokens", "output-tokens"]) {
    const at = Date.parse(headers[`anthropic-ratelimit-${what}-reset`] ?? "");
    if (Number.isFinite(at)) return at;
  }
  return undefined;
}
