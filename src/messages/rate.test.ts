import { expect, test } from "vitest";
import { SendRate } from "./rate.ts";

test("each sender has a burst, then a rate, and a refusal states a time to wait that suffices", () => {
  let now = 0;
  const rate = new SendRate({ perSecond: 10, burst: 20 }, () => now);
  rate.take("ada", 20);
  expect(() => rate.take("ada")).toThrow("wait 1 s");
  rate.take("bob");
  now = 1000;
  rate.take("ada", 10);
  expect(() => rate.take("ada", 15)).toThrow("wait 2 s");
  now = 3000;
  rate.take("ada", 15);
});

test("a send to more recipients than the burst is allowed and uses up the burst", () => {
  let now = 0;
  const rate = new SendRate({ perSecond: 10, burst: 20 }, () => now);
  rate.take("ada", 500);
  expect(() => rate.take("ada")).toThrow("too many messages");
  expect(() => rate.take("ada", 500)).toThrow("wait 2 s");
  now = 2000;
  rate.take("ada", 500);
});

test("a clock that jumps back does not empty the bucket", () => {
  let now = 1_000_000;
  const rate = new SendRate({ perSecond: 10, burst: 20 }, () => now);
  rate.take("ada", 15);
  now = 0;
  rate.take("ada", 5);
  now = 500;
  rate.take("ada", 5);
});
