import { describe, expect, test } from "vitest";
import { afterCrash, parkDelay } from "./backoff.ts";

describe("afterCrash", () => {
  test("doubles the delay from the base and parks at the fifth crash within ten minutes", () => {
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

  test("counts no crash for longer than ten minutes after the clock jumps", () => {
    const day = 24 * 3600_000;
    for (const jump of [-30 * day, -7_200_000, 7_200_000, 30 * day]) {
      const { times, verdict } = afterCrash([1, 2, 3, 4], jump, 4, 10_000);
      expect(times).toEqual([jump]);
      expect(verdict).toEqual({ kind: "restart", afterMs: 10_000 });
      // The clock jumps while the cage has been up for no time. This is the fifth crash in a row, but it does not park
      // the cage.
      expect(afterCrash([1, 2, 3, 4], jump, jump, 10_000).verdict).toEqual({ kind: "restart", afterMs: 160_000 });
    }
  });

  test("grows the delay to five minutes while no run lasts ten minutes, and does not park a cage that crashes rarely", () => {
    let times: number[] = [];
    let now = 0;
    const pauses: number[] = [];
    for (let n = 0; n < 30; n++) {
      // Up for three minutes each time.
      now += 180_000;
      const next = afterCrash(times, now, now - 180_000, 10_000);
      if (next.verdict.kind === "park") throw new Error("parked");
      pauses.push(next.verdict.afterMs / 1000);
      now += next.verdict.afterMs;
      times = next.times;
    }
    expect(pauses.slice(0, 7)).toEqual([10, 20, 40, 80, 160, 300, 300]);
    expect(new Set(pauses.slice(7))).toEqual(new Set([300]));
    expect(times.length).toBeLessThan(30);
  });

  test("parks only for crashes within ten minutes", () => {
    expect(afterCrash([0, 1000, 2000, 3000], 600_000, 599_000, 10_000).verdict).toEqual({ kind: "restart", afterMs: 160_000 });
    expect(afterCrash([0, 1000, 2000, 3000], 599_999, 599_000, 10_000).verdict).toEqual({ kind: "park", crashes: 5 });
  });
});

test("the delay of a park grows to its limit", () => {
  expect(parkDelay("upstream", 1)).toBe(10_000);
  expect(parkDelay("upstream", 3)).toBe(40_000);
  expect(parkDelay("upstream", 20)).toBe(300_000);
});
