import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SharedLimit, STAGGER_MS } from "./shared-limit.ts";

const MINUTE = 60_000;
let now: number;
let changed: string[];
let limit: SharedLimit;
const open = (isShared = true) =>
  new SharedLimit({ isShared, sharers: () => ["ada", "poet", "scout"], changed: (id) => void changed.push(id), now: () => now });
const held = () => ["ada", "poet", "scout"].filter((id) => limit.endOf(id) !== undefined);
const pass = (ms: number): void => {
  now += ms;
  vi.advanceTimersByTime(ms);
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  now = 1_000_000;
  changed = [];
  limit = open();
});
afterEach(() => {
  limit.stop();
  vi.useRealTimers();
});

test("a limit holds all who share the credential, and they go on one after the other, first the one that met it", () => {
  limit.met("poet", now + MINUTE);
  expect(held()).toEqual(["ada", "poet", "scout"]);
  expect(() => limit.check("ada")).toThrow("the model's API limits the credential");
  changed = [];
  pass(MINUTE);
  expect([held(), changed]).toEqual([["ada", "scout"], ["poet"]]);
  // That one has an answer is no reason for all the others to ask at once.
  limit.passed("poet");
  expect(held()).toEqual(["ada", "scout"]);
  pass(STAGGER_MS);
  pass(STAGGER_MS);
  expect([held(), changed]).toEqual([[], ["poet", "ada", "scout"]]);
  expect(vi.getTimerCount()).toBe(0);
});

test("one that the operator lets try goes on at once; if it is answered, the others follow", () => {
  limit.met("ada", now + MINUTE);
  limit.release("scout");
  limit.check("scout");
  limit.passed("scout");
  expect(held()).toEqual(["ada", "poet"]);
  pass(STAGGER_MS);
  pass(STAGGER_MS);
  expect(held()).toEqual([]);
});

test("a second limit holds them anew, and one that is over holds no one", () => {
  limit.met("ada", now + MINUTE);
  pass(MINUTE);
  limit.met("ada", now + MINUTE);
  expect(limit.endOf("ada")).toBe(now + MINUTE);
  pass(MINUTE + 10 * STAGGER_MS);
  limit.met("ada", now - 1);
  expect(held()).toEqual([]);
});

test("switched off, a limit holds only the agent that has met it, by its own park", () => {
  limit = open(false);
  limit.met("ada", now + MINUTE);
  expect([held(), changed]).toEqual([[], []]);
});
