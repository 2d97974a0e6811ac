import { expect, test } from "vitest";
import { Ends } from "./ends.ts";

test("whoever waits on a connection that ends is told once, and who was forgotten is not", () => {
  const ends = new Ends();
  const [mine, other] = [new AbortController(), new AbortController()];
  const told: string[] = [];
  const tell =
    (name: string): (() => void) =>
    () =>
      void told.push(name);
  const [first, second, third] = [tell("first"), tell("second"), tell("third")];
  ends.tell(mine.signal, first);
  ends.tell(mine.signal, second);
  ends.tell(other.signal, third);
  ends.forget(mine.signal, first);
  ends.forget(other.signal, first);
  mine.abort();
  expect(told).toEqual(["second"]);
  other.abort();
  expect(told).toEqual(["second", "third"]);
});

test("a connection is listened to once, however often somebody waits on it", () => {
  const ends = new Ends();
  let listeners = 0;
  const { signal } = new AbortController();
  signal.addEventListener = () => void listeners++;
  for (let wait = 0; wait < 3; wait++) {
    const gone = (): void => {};
    ends.tell(signal, gone);
    ends.forget(signal, gone);
  }
  expect(listeners).toBe(1);
});
