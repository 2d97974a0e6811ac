import { expect, test } from "vitest";
import { Waiters, type Waiter } from "./waiters.ts";

function waiterOn(ended: AbortSignal, name: string, told: string[]): Waiter {
  return { kind: "next", instance: "i-1", ended, resolve: () => {}, abandon: () => void told.push(name) };
}

test("when a connection ends, its waiters are abandoned once; taken waiters and those of other connections are not", () => {
  const waiters = new Waiters();
  const [mine, other] = [new AbortController(), new AbortController()];
  const told: string[] = [];
  const taken = waiterOn(mine.signal, "taken", told);
  waiters.add("ada", taken);
  expect(waiters.take("ada")).toBe(taken);
  waiters.add("ada", waiterOn(mine.signal, "mine", told));
  waiters.add("ada", waiterOn(mine.signal, "mine too", told));
  waiters.add("ada", waiterOn(other.signal, "other", told));
  mine.abort();
  expect(told).toEqual(["mine", "mine too"]);
  expect(waiters.has("ada")).toBe(true);
  other.abort();
  expect(told).toEqual(["mine", "mine too", "other"]);
  expect(waiters.has("ada")).toBe(false);
});

test("a connection gets one listener, however many waits use it", () => {
  const waiters = new Waiters();
  let listeners = 0;
  const { signal } = new AbortController();
  signal.addEventListener = () => void listeners++;
  for (let wait = 0; wait < 3; wait++) {
    waiters.add("ada", waiterOn(signal, "ada", []));
    waiters.take("ada");
  }
  expect(listeners).toBe(1);
});
