import type { PlanUse } from "../model/dialect.ts";

/** `anthropic-ratelimit-unified-5h-utilization`: a fraction of the plan's limit for a window of that name. */
const UTILIZATION = /^anthropic-ratelimit-unified-([a-z0-9_]{1,16})-utilization$/;
/** Windows of a plan that are kept: it has two or three. */
const MAX_WINDOWS = 6;
/** The latest time in seconds that a date can express. */
const MAX_SECONDS = 8.64e12;

/** What the headers of an answer say about the limits of a subscription. Empty for an account without one. */
export function planOf(headers: Record<string, string>): PlanUse[] {
  const windows: PlanUse[] = [];
  for (const [name, value] of Object.entries(headers)) {
    const window = UTILIZATION.exec(name)?.[1];
    const used = Number(value);
    if (window === undefined || value === "" || !Number.isFinite(used) || used < 0 || windows.length === MAX_WINDOWS) continue;
    const reset = Number(headers[`anthropic-ratelimit-unified-${window}-reset`]);
    windows.push({ window, used, ...(reset > 0 && reset <= MAX_SECONDS ? { resetsAt: reset * 1000 } : {}) });
  }
  return windows.sort((a, b) => (a.window < b.window ? -1 : 1));
}
