import { describe, expect, test } from "vitest";
import { afterCrash, parkDelay } from "./backoff.ts";

describe("afterCrash", () => {
  test("doubles from the base and parks at the fifth within ten minutes", () => {
    let times: number[] = [];
    const verdicts = [];
    for (let n = 0; n < 5; n++) {
      const next = afterCrash(times, n * 1000, n * 1000, 10_000);
      times = next.times;
      verdicts.push(next.verdict);
    }
    expect(verdicts).toEqual([
      { kind: "restart", afterMs: 10_000 },
      { kind: "restart", afterMs: 20_000 },
      { kind: "restart", afterMs: 40_000 },
      { kind: "restart", afterMs: 80_000 },
      { kind: "park", crashes: 5 },
    ]);
  });

  test("forgets crashes once the cage has been up for ten minutes", () => {
    const { times, verdict } = afterCrash([1, 2, 3, 4], 600_000, 0, 10_000);
    expect(times).toEqual([600_000]);
    expect(verdict).toEqual({ kind: "restart", afterMs: 10_000 });
  });

  test("a clock that jumps makes no crash count for longer than ten minutes", () => {
    const day = 24 * 3600_000;
    for (const jump of [-30 * day, -7_200_000, 7_200_000, 30 * day]) {
      const { times, verdict } = afterCrash([1, 2, 3, 4], jump, 4, 10_000);
      expect(times).toEqual([jump]);
      expect(verdict).toEqual({ kind: "restart", afterMs: 10_000 });
      // And one that jumps while the cage has been up for no time at all.
      expect(afterCrash([1, 2, 3, 4], jump, jump, 10_000).times).toEqual([jump]);
    }
  });

  test("forgets crashes older than ten minutes even when it never stayed up", () => {
    expect(afterCrash([0, 1000], 600_500, 600_400, 10_000).times).toEqual([1000, 600_500]);
  });
});

test("parks grow to their limit", () => {
  expect(parkDelay("upstream", 1)).toBe(10_000);
  expect(parkDelay("upstream", 3)).toBe(40_000);
  expect(parkDelay("upstream", 20)).toBe(300_000);
});
