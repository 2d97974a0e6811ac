import { TURN_ENDS, type COUNTED_ENDS, type PARKING_ENDS } from "../wire/turn-ends.ts";

/** Pure rules for when something that failed is tried again. All times in milliseconds. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** A cage that stays up this long has recovered: its crashes are forgotten. */
const CRASH_RESET_MS = 10 * MINUTE;
/** So many crashes within so long, and a cage is parked until the operator starts it. */
const MAX_CRASHES = 5;
const CRASH_WINDOW_MS = 10 * MINUTE;
const MAX_CRASH_DELAY_MS = 300 * SECOND;
/** Crashes that are remembered: with so many in a row the pause has long been the longest. */
const REMEMBERED = 16;

export type CrashVerdict = { kind: "restart"; afterMs: number } | { kind: "park"; crashes: number };

/**
 * What to do about a crash at `now`, given the times of the earlier ones: restart after `baseMs` (10 s), doubling with
 * every crash in a row to 300 s, and parked after the fifth within ten minutes. Ten minutes up make it the first again.
 * Returns the times of this row, this one included.
 */
export function afterCrash(
  earlier: readonly number[],
  now: number,
  upSince: number,
  baseMs: number,
): { times: number[]; verdict: CrashVerdict } {
  const recovered = Math.abs(now - upSince) >= CRASH_RESET_MS;
  const times = [...(recovered ? [] : earlier), now].slice(-REMEMBERED);
  // A clock that jumped back makes no crash one of the future.
  const recent = times.filter((at) => Math.abs(now - at) < CRASH_WINDOW_MS).length;
  if (recent >= MAX_CRASHES) return { times, verdict: { kind: "park", crashes: recent } };
  const afterMs = Math.min(baseMs * 2 ** (times.length - 1), Math.max(MAX_CRASH_DELAY_MS, baseMs));
  return { times, verdict: { kind: "restart", afterMs } };
}

/** Ends of a turn after which the agent is parked. */
export type ParkReason = (typeof PARKING_ENDS)[number] | (typeof COUNTED_ENDS)[number];

/** How long to wait before the `nth` try (1-based) when nothing says until when. */
export function parkDelay(why: ParkReason, nth: number): number {
  const { first, most } = TURN_ENDS[why].pause;
  return Math.min(first * 2 ** (nth - 1), most);
}
