import { expect, test } from "vitest";
import type { EndedTurn } from "../store/turns.ts";
import { sinceOf, statistics } from "./statistics.ts";

const NOW = Date.parse("2026-03-10T12:34:56Z");
const NONE = { failed: 0, parked: 0, cancelled: 0, interrupted: 0 };
const turn = (at: string, durationMs: number, extra: Partial<EndedTurn> = {}): EndedTurn => ({
  endedAt: Date.parse(at),
  result: "ok",
  durationMs,
  tokens: 10,
  costUsd: 0.5,
  ...extra,
});

test("each turn is counted once, in the bucket in which it ended", () => {
  const { total, buckets } = statistics(
    [
      turn("2026-03-09T13:00:00Z", 100),
      turn("2026-03-10T11:59:59.999Z", 200),
      turn("2026-03-10T12:00:00Z", 300, { result: "failed" }),
      turn("2026-03-10T12:34:56Z", 400),
    ],
    "24h",
    NOW,
  );
  expect(buckets).toHaveLength(24);
  expect([buckets[0]?.at, buckets.at(-1)?.at]).toEqual(["2026-03-09T13:00:00.000Z", "2026-03-10T12:00:00.000Z"]);
  expect([buckets[0]?.turns, buckets.at(-2)?.turns, buckets.at(-1)?.turns, buckets.at(-1)?.failed]).toEqual([1, 1, 2, 1]);
  expect(buckets.reduce((sum, bucket) => sum + bucket.turns, 0)).toBe(4);
  expect(total).toEqual({ turns: 4, ...NONE, failed: 1, tokens: 40, cost_usd: 2, unpriced: 0, p50_ms: 200, p95_ms: 400 });
});

test("a turn that used a model without a price counts as unpriced, and a turn without tokens does not", () => {
  const at = "2026-03-10T12:00:00Z";
  const ended = [turn(at, 1), turn(at, 1, { costUsd: null }), turn(at, 1, { costUsd: null, tokens: 0 })];
  expect(statistics(ended, "24h", NOW).total).toMatchObject({ cost_usd: 0.5, unpriced: 1 });
});

test("cancelled, interrupted and parked turns do not count as failed", () => {
  const results = ["ok", "failed", "cancelled", "cancelled", "interrupted", "parked", "parked", "parked"] as const;
  const { total } = statistics(
    results.map((result) => turn("2026-03-10T12:00:00Z", 1, { result })),
    "24h",
    NOW,
  );
  expect(total).toMatchObject({ turns: 8, failed: 1, cancelled: 2, interrupted: 1, parked: 3 });
});

test("a turn that ended in the future, because the clock was set back, belongs to the newest bucket", () => {
  const { buckets } = statistics([turn("2026-03-12T00:00:00Z", 1)], "7d", NOW);
  expect(buckets.at(-1)?.turns).toBe(1);
});

test("a range without turns has zeros and starts at a bucket boundary", () => {
  expect(statistics([], "30d", NOW).total).toEqual({
    turns: 0,
    ...NONE,
    tokens: 0,
    cost_usd: 0,
    unpriced: 0,
    p50_ms: 0,
    p95_ms: 0,
  });
  expect(new Date(sinceOf("30d", NOW)).toISOString()).toBe("2026-02-09T00:00:00.000Z");
  expect(new Date(sinceOf("7d", NOW)).toISOString()).toBe("2026-03-03T18:00:00.000Z");
});
