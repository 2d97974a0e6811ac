import { TURN_ENDS, type COUNTED_ENDS, type PARKING_ENDS } from "../wire/turn-ends.ts";

/** Pure rules for when a failed operation is retried. All times are in milliseconds. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** A cage that stays up this long has recovered. Its crashes are no longer counted. */
const CRASH_RESET_MS = 10 * MINUTE;
/** This many crashes within `CRASH_WINDOW_MS` park the cage until the operator starts it. */
const MAX_CRASHES = 5;
const CRASH_WINDOW_MS = 10 * MINUTE;
const MAX_CRASH_DELAY_MS = 300 * SECOND;
/** Crash times that are kept. With this many in a row the delay has reached its maximum. */
const REMEMBERED = 16;

export type CrashVerdict = { kind: "restart"; afterMs: number } | { kind: "park"; crashes: number };

/**
 * Decides what follows a crash at `now`, given the times of the earlier ones. The cage restarts after `baseMs` (10 s by
 * default). The delay doubles with every crash in a row, up to 300 s. The fifth crash within ten minutes parks the
 * cage. A cage that was up for ten minutes starts the count again. Returns the times of the row, including this crash.
 */
export function afterCrash(
  earlier: readonly number[],
  now: number,
  upSince: number,
  baseMs: number,
): { times: number[]; verdict: CrashVerdict } {
  const recovered = Math.abs(now - upSince) >= CRASH_RESET_MS;
  const times = [...(recovered ? [] : earlier), now].slice(-REMEMBERED);
  // `Math.abs`, so that a clock that jumped back leaves no crash in the future.
  const recent = times.filter((at) => Math.abs(now - at) < CRASH_WINDOW_MS).length;
  if (recent >= MAX_CRASHES) return { times, verdict: { kind: "park", crashes: recent } };
  const afterMs = Math.min(baseMs * 2 ** (times.length - 1), Math.max(MAX_CRASH_DELAY_MS, baseMs));
  return { times, verdict: { kind: "restart", afterMs } };
}

/** The turn ends that park the agent. */
export type ParkReason = (typeof PARKING_ENDS)[number] | (typeof COUNTED_ENDS)[number];

/** The delay before the `nth` retry (1-based) when the end of the park is not known. */
export function parkDelay(why: ParkReason, nth: number): number {
  const { first, most } = TURN_ENDS[why].pause;
  return Math.min(first * 2 ** (nth - 1), most);
}
