import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SharedLimit, STAGGER_MS } from "./shared-limit.ts";

const MINUTE = 60_000;
const users: Record<string, string[]> = { default: ["ada", "poet", "scout"], work: ["critic", "scribe"] };
let now: number;
let changed: string[];
let limit: SharedLimit;
const open = (isShared = true) =>
  new SharedLimit({
    isShared,
    sharers: (credential) => users[credential] ?? [],
    changed: (id) => void changed.push(id),
    now: () => now,
  });
const held = () => ["ada", "poet", "scout", "critic", "scribe"].filter((id) => limit.endOf(id) !== undefined);
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
  limit.met("poet", "default", now + MINUTE);
  expect(held()).toEqual(["ada", "poet", "scout"]);
  expect(() => limit.check("ada")).toThrow("the model's API limits the credential");
  changed = [];
  pass(MINUTE);
  expect([held(), changed]).toEqual([["ada", "scout"], ["poet"]]);
  // That one has an answer is no reason for all the others to ask at once.
  limit.passed("poet", "default");
  expect(held()).toEqual(["ada", "scout"]);
  pass(STAGGER_MS);
  pass(STAGGER_MS);
  expect([held(), changed]).toEqual([[], ["poet", "ada", "scout"]]);
  expect(vi.getTimerCount()).toBe(0);
});

test("one that the operator lets try goes on at once; if it is answered, the others follow", () => {
  limit.met("ada", "default", now + MINUTE);
  limit.release("scout");
  limit.check("scout");
  limit.passed("scout", "default");
  expect(held()).toEqual(["ada", "poet"]);
  pass(STAGGER_MS);
  pass(STAGGER_MS);
  expect(held()).toEqual([]);
});

test("a second limit holds them anew, and one that is over holds no one", () => {
  limit.met("ada", "default", now + MINUTE);
  pass(MINUTE);
  limit.met("ada", "default", now + MINUTE);
  expect(limit.endOf("ada")).toBe(now + MINUTE);
  pass(MINUTE + 10 * STAGGER_MS);
  limit.met("ada", "default", now - 1);
  expect(held()).toEqual([]);
});

test("switched off, a limit holds only the agent that has met it, by its own park", () => {
  limit = open(false);
  limit.met("ada", "default", now + MINUTE);
  expect([held(), changed]).toEqual([[], []]);
});

test("the limit of another credential holds its agents alone, and each credential has its own end", () => {
  limit.met("scribe", "work", now + MINUTE);
  expect(held()).toEqual(["critic", "scribe"]);
  limit.met("ada", "default", now + 2 * MINUTE);
  expect(() => limit.check("critic")).toThrow("the model's API limits the credential work that the agents share");
  // An answer of one account says nothing about the other.
  limit.release("critic");
  limit.passed("critic", "work");
  pass(STAGGER_MS);
  expect(held()).toEqual(["ada", "poet", "scout"]);
  pass(2 * MINUTE + 3 * STAGGER_MS);
  expect(held()).toEqual([]);
});

test("a credential of another account holds none of its agents", () => {
  limit.met("scribe", "work", now + MINUTE);
  limit.met("ada", "default", now + MINUTE);
  limit.forget("work");
  expect([held(), changed.slice(-2).sort()]).toEqual([
    ["ada", "poet", "scout"],
    ["critic", "scribe"],
  ]);
  // The same end may be that of the other account.
  limit.met("critic", "work", now + MINUTE);
  expect(limit.endOf("scribe")).toBeDefined();
});

test("an agent whose config names another credential is no longer held by the limit of the old one", () => {
  limit.met("scribe", "work", now + MINUTE);
  limit.uses("critic", "work");
  expect(held()).toEqual(["critic", "scribe"]);
  limit.uses("critic", "default");
  expect([held(), changed.at(-1)]).toEqual([["scribe"], "critic"]);
});
