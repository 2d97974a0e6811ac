/** Pure rules for when something that failed is tried again. All times in milliseconds. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** A cage that stays up this long has recovered: its crashes are forgotten. */
const CRASH_RESET_MS = 10 * MINUTE;
/** Crashes within `CRASH_RESET_MS` after which a cage is parked until the operator starts it. */
const MAX_CRASHES = 5;
const MAX_CRASH_DELAY_MS = 300 * SECOND;

export type CrashVerdict = { kind: "restart"; afterMs: number } | { kind: "park"; crashes: number };

/**
 * What to do about a crash at `now`, given the times of the earlier ones: restart after `baseMs` (10 s), doubling to
 * 300 s, and parked after the fifth within ten minutes. Returns the times that still count, this one included: those
 * of before a clock jumped do not.
 */
export function afterCrash(
  earlier: readonly number[],
  now: number,
  upSince: number,
  baseMs: number,
): { times: number[]; verdict: CrashVerdict } {
  const recovered = Math.abs(now - upSince) >= CRASH_RESET_MS;
  const times = [...(recovered ? [] : earlier.filter((at) => Math.abs(now - at) < CRASH_RESET_MS)), now];
  if (times.length >= MAX_CRASHES) return { times, verdict: { kind: "park", crashes: times.length } };
  const afterMs = Math.min(baseMs * 2 ** (times.length - 1), Math.max(MAX_CRASH_DELAY_MS, baseMs));
  return { times, verdict: { kind: "restart", afterMs } };
}

/** First and longest pause, by the reason an agent was parked for. */
const PARKS = {
  rate_limited: { first: MINUTE, most: 15 * MINUTE },
  needs_login: { first: 5 * MINUTE, most: 30 * MINUTE },
  upstream: { first: 10 * SECOND, most: 5 * MINUTE },
  crash: { first: 1 * SECOND, most: 30 * SECOND },
} as const;
export type ParkReason = keyof typeof PARKS;

/** How long to wait before the `nth` try (1-based) when nobody says until when. */
export function parkDelay(why: ParkReason, nth: number): number {
  const { first, most } = PARKS[why];
  return Math.min(first * 2 ** (nth - 1), most);
}
