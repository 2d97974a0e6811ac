import { beforeEach, expect, test } from "vitest";
import type { WorkDone } from "../../wire/harness.ts";
import { WorkReports } from "./work-reports.ts";

let now: number;
/** How long a measurement takes. Milliseconds. */
let takes: number;
let lines: number;
let reports: WorkDone[][];
let measured: number[];
let wait: { until: number; run: () => void } | undefined;
let work: WorkReports;
const done = (added: number): WorkDone[] => [{ repo: "web", branch: "topic", added, removed: 0 }];

beforeEach(() => {
  [now, takes, lines, reports, measured, wait] = [0, 0, 0, [], [], undefined];
  work = new WorkReports({
    async measure() {
      measured.push(now);
      now += takes;
      return done(++lines);
    },
    report: (one) => void reports.push(one),
    now: () => now,
    after(ms, run) {
      wait = { until: now + ms, run };
      return () => (wait = undefined);
    },
  });
});

/** Lets the time pass until the wait ends. */
async function pass(): Promise<void> {
  const { until, run } = wait ?? expect.unreachable("nothing waits");
  [now, wait] = [until, undefined];
  run();
  await settled();
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("no one looks: the work is measured at the end of a turn in which something may have changed", async () => {
  work.changed();
  await settled();
  expect(measured).toEqual([]);
  work.turnEnded();
  await settled();
  expect(reports).toEqual([done(1)]);
  now = 60_000;
  work.turnEnded();
  await settled();
  expect([measured, wait]).toEqual([[0], undefined]);
});

test("while someone looks it is measured during the turn, at most each 5 seconds, and what happened last is not missed", async () => {
  work.watched(true);
  for (let n = 0; n < 10; n++) work.changed();
  await settled();
  now = 1_000;
  work.changed();
  work.changed();
  await settled();
  expect(measured).toEqual([0]);
  await pass();
  expect(measured).toEqual([0, 0 + 5_000]);
  // The change during the first measurement is in the second one, and then nothing waits.
  if (wait) await pass();
  expect(wait).toBeUndefined();
  const before = measured.length;
  work.watched(false);
  now = 60_000;
  work.changed();
  await settled();
  expect([measured.length, wait]).toEqual([before, undefined]);
  // A page opens in the middle of a turn.
  work.watched(true);
  await settled();
  expect(measured.at(-1)).toBe(60_000);
});

test("a slow measurement is repeated after ten times as long", async () => {
  takes = 2_000;
  work.watched(true);
  work.changed();
  await settled();
  work.changed();
  await pass();
  expect(measured).toEqual([0, 22_000]);
});

test("many short turns are measured as seldom, and a process that ends reports the last one", async () => {
  for (let n = 0; n < 10; n++) {
    work.changed();
    work.turnEnded();
    await settled();
  }
  expect(measured).toEqual([0]);
  await work.settle();
  expect([measured, wait, reports.at(-1)]).toEqual([[0, 0], undefined, done(2)]);
});

test("the same figures are reported once to a daemon, and again to the next one", async () => {
  work.watched(true);
  work.changed();
  await settled();
  lines = 0;
  now = 60_000;
  work.changed();
  await settled();
  expect([measured.length, reports]).toEqual([2, [done(1)]]);
  work.assigned(false);
  expect(reports).toEqual([done(1), done(1)]);
});
