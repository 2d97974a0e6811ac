import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { afterAwake, Moment } from "./timers.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("afterAwake acts after the time, unless it was cancelled", () => {
  const done = vi.fn();
  afterAwake(5_500, done);
  const callOff = afterAwake(3_000, done);
  vi.advanceTimersByTime(2_999);
  callOff();
  vi.advanceTimersByTime(2_500);
  expect(done).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(done).toHaveBeenCalledOnce();
  vi.advanceTimersByTime(60_000);
  expect(done).toHaveBeenCalledOnce();
});

test("time in which the process was suspended does not count, even at the last moment", () => {
  const done = vi.fn();
  const clock = vi.spyOn(performance, "now");
  let suspended = 0;
  clock.mockImplementation(() => Date.now() + suspended);
  afterAwake(5_000, done);
  vi.advanceTimersByTime(4_500);
  // Five minutes pass in one step, as for a process that gets SIGCONT.
  suspended = 300_000;
  vi.advanceTimersByTime(600);
  expect(done).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1_000);
  expect(done).toHaveBeenCalledOnce();
  clock.mockRestore();
});

test("afterAwake ignores jumps of the wall clock", () => {
  const done = vi.fn();
  afterAwake(5_000, done);
  vi.advanceTimersByTime(2_000);
  vi.setSystemTime(Date.now() + 30 * 24 * 3600_000);
  vi.advanceTimersByTime(2_000);
  vi.setSystemTime(Date.now() - 60 * 24 * 3600_000);
  vi.advanceTimersByTime(999);
  expect(done).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(done).toHaveBeenCalledOnce();
});

test("a moment comes by the clock or by elapsed time, whichever is first, and is checked every minute", () => {
  const HOUR = 3600_000;
  const inAnHour = () => new Moment(Date.now() + HOUR, Date.now);
  const forward = inAnHour();
  vi.setSystemTime(Date.now() + 2 * HOUR);
  expect(forward.hasCome).toBe(true);
  const back = inAnHour();
  vi.setSystemTime(Date.now() - 720 * HOUR);
  vi.advanceTimersByTime(HOUR - 1);
  expect(back.hasCome).toBe(false);
  expect(back.pause).toBe(1);
  vi.advanceTimersByTime(1);
  expect(back.hasCome).toBe(true);
  expect(inAnHour().pause).toBe(60_000);
});
