import type { Socket } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { InFlight } from "./in-flight.ts";

/** A socket as far as its reading goes. */
function fakeSocket(): { socket: Socket; isRead(): boolean } {
  let isRead = true;
  const socket = { pause: () => (isRead = false), resume: () => (isRead = true), once() {} } as unknown as Socket;
  return { socket, isRead: () => isRead };
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

/** Requests that take this long. Milliseconds. */
function work(all: InFlight, ms: number): void {
  const start = performance.now();
  vi.advanceTimersByTime(ms);
  all.spent(start);
}

test("requests that take more than their share after a burst rest on every connection, as long as that takes", () => {
  const all = new InFlight(1_000_000, 0.1);
  const [one, two] = [fakeSocket(), fakeSocket()];
  all.of(one.socket);
  all.of(two.socket);
  work(all, 150);
  expect([one.isRead(), two.isRead()]).toEqual([true, true]);
  work(all, 110);
  expect([one.isRead(), two.isRead()]).toEqual([false, false]);
  // A connection that is opened meanwhile is not read either.
  const three = fakeSocket();
  all.of(three.socket);
  expect(three.isRead()).toBe(false);
  vi.advanceTimersByTime(300);
  expect(one.isRead()).toBe(false);
  vi.advanceTimersByTime(250);
  expect([one, two, three].map((each) => each.isRead())).toEqual([true, true, true]);
});

test("in the long run they take their share, and a quiet caller saves up for no more than a burst", () => {
  const all = new InFlight(1_000_000, 0.1);
  const { socket, isRead } = fakeSocket();
  all.of(socket);
  vi.advanceTimersByTime(3_600_000);
  let took = 0;
  const begun = performance.now();
  while (performance.now() - begun < 60_000) {
    if (!isRead()) vi.advanceTimersByTime(1);
    else {
      work(all, 5);
      took += 5;
    }
  }
  expect(took).toBeGreaterThan(5_500);
  expect(took).toBeLessThan(6_500);
});

test("without a share nothing rests", () => {
  const all = new InFlight(1_000_000);
  const { socket, isRead } = fakeSocket();
  all.of(socket);
  work(all, 60_000);
  expect(isRead()).toBe(true);
});
