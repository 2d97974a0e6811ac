import type { EndedTurn } from "../store/turns.ts";
import type { Figures, StatisticsRange } from "../wire/history-operations.ts";
import { instant } from "../wire/instant.ts";
import type { TurnResult } from "../wire/turn-ends.ts";
import type { Output } from "../wire/operations.ts";

const HOUR_MS = 3600_000;
/** How each range is divided: few enough bars to tell apart, enough to show the shape of a day. */
const CUTS: Record<StatisticsRange, { bucketMs: number; buckets: number }> = {
  "24h": { bucketMs: HOUR_MS, buckets: 24 },
  "7d": { bucketMs: 6 * HOUR_MS, buckets: 28 },
  "30d": { bucketMs: 24 * HOUR_MS, buckets: 30 },
};

/** The start of a range. Buckets are aligned to whole hours or days (UTC). The newest is incomplete. */
export function sinceOf(range: StatisticsRange, now: number): number {
  const { bucketMs, buckets } = CUTS[range];
  return (Math.floor(now / bucketMs) - buckets + 1) * bucketMs;
}

/** The figures of a range: in total and per bucket. */
export function statistics(ended: readonly EndedTurn[], range: StatisticsRange, now: number): Output<"statistics"> {
  const { bucketMs, buckets } = CUTS[range];
  const since = sinceOf(range, now);
  const groups = Array.from({ length: buckets }, (): EndedTurn[] => []);
  // A clock that was set back may have stored an end in the future. It belongs to the newest bucket.
  for (const turn of ended) groups[Math.min(buckets - 1, Math.floor((turn.endedAt - since) / bucketMs))]?.push(turn);
  return {
    total: figures(ended),
    buckets: groups.map((turns, n) => ({ at: instant(since + n * bucketMs), ...figures(turns) })),
  };
}

function figures(turns: readonly EndedTurn[]): Figures {
  const endedAs = (result: TurnResult): number => turns.filter((turn) => turn.result === result).length;
  const durations = turns.map((turn) => turn.durationMs).sort((a, b) => a - b);
  return {
    turns: turns.length,
    failed: endedAs("failed"),
    parked: endedAs("parked"),
    cancelled: endedAs("cancelled"),
    interrupted: endedAs("interrupted"),
    tokens: turns.reduce((sum, turn) => sum + turn.tokens, 0),
    cost_usd: turns.reduce((sum, turn) => sum + (turn.costUsd ?? 0), 0),
    unpriced: turns.filter((turn) => turn.costUsd === null && turn.tokens > 0).length,
    p50_ms: percentile(durations, 0.5),
    p95_ms: percentile(durations, 0.95),
  };
}

/** The smallest value that at least this share of the sorted values does not exceed. 0 without values. */
function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0;
}
