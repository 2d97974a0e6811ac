import { expect, test } from "vitest";
import { Slots } from "./slots.ts";

test("each number is used once at a time, and who waits gets one in order", async () => {
  const slots = new Slots(2);
  const { signal } = new AbortController();
  expect([await slots.take(signal), await slots.take(signal)]).toEqual([0, 1]);
  const got: string[] = [];
  const waiting = ["a", "b"].map((name) => slots.take(signal).then((slot) => got.push(`${name}${slot}`)));
  slots.give(1);
  slots.give(0);
  await Promise.all(waiting);
  expect(got).toEqual(["a1", "b0"]);
});

test("who stops waiting takes no number", async () => {
  const slots = new Slots(1);
  const stop = new AbortController();
  const { signal } = new AbortController();
  await slots.take(signal);
  const stopped = slots.take(stop.signal);
  const next = slots.take(signal);
  stop.abort(new Error("stopped"));
  await expect(stopped).rejects.toThrow("stopped");
  slots.give(0);
  expect(await next).toBe(0);
  await expect(slots.take(stop.signal)).rejects.toThrow("stopped");
});
