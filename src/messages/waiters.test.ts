import { expect, test } from "vitest";
import { Waiters, type Waiter } from "./waiters.ts";

function waiterOn(ended: AbortSignal, name: string, abandoned: string[]): Waiter {
  return { kind: "next", instance: "i-1", ended, resolve: () => {}, abandon: () => void abandoned.push(name) };
}

test("when a connection ends, its waiters are abandoned once, but taken waiters and those of other connections are not", () => {
  const waiters = new Waiters();
  const [mine, other] = [new AbortController(), new AbortController()];
  const abandoned: string[] = [];
  const taken = waiterOn(mine.signal, "taken", abandoned);
  waiters.add("ada", taken);
  expect(waiters.take("ada")).toBe(taken);
  waiters.add("ada", waiterOn(mine.signal, "mine", abandoned));
  waiters.add("ada", waiterOn(mine.signal, "mine too", abandoned));
  waiters.add("ada", waiterOn(other.signal, "other", abandoned));
  mine.abort();
  expect(abandoned).toEqual(["mine", "mine too"]);
  expect(waiters.has("ada")).toBe(true);
  other.abort();
  expect(abandoned).toEqual(["mine", "mine too", "other"]);
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
