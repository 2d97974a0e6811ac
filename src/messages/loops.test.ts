import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStoreIn } from "../../test/lib/store.ts";
import type { Store } from "../store/store.ts";
import { Loops } from "./loops.ts";

let folder: string;
let store: Store;
let loops: Loops;
const CHAIN = 7;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "loops-"));
  store = openStoreIn(folder);
  loops = open();
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const open = (): Loops =>
  new Loops({ store, limits: { usd: 1, outputTokens: 1_000 }, nameOf: (id) => id.toUpperCase(), now: () => 5_000 });
const hop = (pair: string, hops: number, chain = CHAIN) => ({ chain, hops, from: pair.charAt(0), to: pair.charAt(1) });
/** Sends messages at rising positions of a chain, and returns the reason for which each would be held. */
async function sent(pairs: readonly string[], first = 1, chain = CHAIN): Promise<(string | undefined)[]> {
  const reasons: (string | undefined)[] = [];
  for (const [n, pair] of pairs.entries()) {
    reasons.push(loops.whyHeld(hop(pair, first + n, chain)));
    await store.write((tx) => loops.sent(tx, hop(pair, first + n, chain)));
  }
  return reasons;
}
const used = (costUsd: number, output: number, unpriced = 0): Promise<void> =>
  store.write(() => store.chains.add(CHAIN, { costUsd, unpriced, output }, 0));
const found = () => loops.all().map(({ agents, rounds }) => [agents.join(""), rounds]);

test("a message that begins a circle again is held once the chain has cost the limit, with who, how often and how much", async () => {
  expect(await sent(["ab", "bc", "ca", "ab"])).toEqual([undefined, undefined, undefined, undefined]);
  await used(1.25, 300, 2);
  const [reason] = await sent(["bc"], 5);
  expect(reason).toBe(
    "the chain has used $1.25 + 2 unpriced and 300 output tokens in 1 round without you; a loop asks at $1.00 or 1000 output tokens: release it or drop it. The loop: A → B → C → A",
  );
  expect(loops.all()).toMatchObject([{ chain: CHAIN, agents: ["a", "b", "c", "a"], costUsd: 1.25, output: 300, lastAt: 5_000 }]);
});

test("the listing has a held loop with the count and the order of the message's reason, also after it was let go on", async () => {
  await sent(["ab", "ba", "ab", "ba"]);
  await used(2, 0);
  const hold = async (pair: string, hops: number) => {
    const reason = loops.whyHeld(hop(pair, hops));
    await store.write((tx) => loops.held(tx, hop(pair, hops)));
    return reason;
  };
  expect(await hold("ab", 5)).toMatch(/in 2 rounds .* The loop: A → B → A$/);
  expect(found()).toEqual([["aba", 2]]);
  await store.write((tx) => loops.passed(tx, CHAIN));
  await sent(["ab", "ba"], 0);
  await used(2, 0);
  expect(await hold("ab", 2)).toMatch(/used \$4\.00 .* in 3 rounds .* The loop: A → B → A$/);
  expect(found()).toEqual([["aba", 3]]);
});

test("tokens count where a model has no price", async () => {
  await sent(["ab", "ba"]);
  await used(0, 1_000, 1);
  expect(loops.whyHeld(hop("ab", 3))).toMatch(/^the chain has used unpriced and 1000 output tokens in 1 round/);
});

test("what goes round and costs little is found and not held", async () => {
  await used(0.99, 999);
  expect(await sent(["ab", "ba", "ab", "ba", "ab", "ba"])).toEqual(Array.from({ length: 6 }));
  expect(found()).toEqual([["aba", 2]]);
});

test("a question and its answer are no loop, nor is work that is given out, nor two messages in one turn, whatever they cost", async () => {
  await used(100, 100_000);
  expect(await sent(["ab", "ba"])).toEqual([undefined, undefined]);
  // Written twice in one turn, or again by a turn that was repeated.
  expect(loops.whyHeld(hop("ba", 2))).toBeUndefined();
  for (const pair of ["hx", "hx", "hy", "hz"]) await store.write((tx) => loops.sent(tx, hop(pair, 1, 8)));
  expect(loops.whyHeld(hop("hx", 1, 8))).toBeUndefined();
  // `h` writes to `x` again after `y` has answered. `x` has sent nothing.
  await store.write((tx) => loops.sent(tx, hop("yh", 2, 8)));
  expect(loops.whyHeld(hop("hx", 3, 8))).toBeUndefined();
  expect(loops.all()).toEqual([]);
});

test("chains are apart, and a program that wakes its own agent is no loop", async () => {
  await used(100, 0);
  await sent(["ab", "ba"]);
  expect(loops.whyHeld(hop("ab", 3, 8))).toBeUndefined();
  expect(await sent(["cc", "cc", "cc"])).toEqual([undefined, undefined, undefined]);
});

test("a chain that an operator lets go on may use as much again", async () => {
  await sent(["ab", "ba"]);
  await used(1.5, 0);
  expect(loops.whyHeld(hop("ab", 3))).toBeDefined();
  await store.write((tx) => loops.passed(tx, CHAIN));
  expect(loops.all()).toEqual([]);
  expect(await sent(["ba", "ab", "ba"])).toEqual([undefined, undefined, undefined]);
  await used(0.9, 0);
  expect(loops.whyHeld(hop("ab", 4))).toBeUndefined();
  await used(0.2, 0);
  expect(loops.whyHeld(hop("ab", 4))).toContain("used $2.60");
});

test("after a restart the cost is known, and the loop is found when it goes round again", async () => {
  await sent(["ab", "ba", "ab"]);
  await used(2, 0);
  loops = open();
  expect(await sent(["ba", "ab", "ba"], 4)).toEqual([undefined, undefined, expect.stringContaining("$2.00")]);
});

test("a message whose write is undone leaves no trace", async () => {
  await sent(["ab", "ba"]);
  const failing = store.write((tx) => {
    loops.sent(tx, hop("ab", 3));
    throw new Error("undone");
  });
  await expect(failing).rejects.toThrow("undone");
  expect(loops.all()).toEqual([]);
});

test("memory is bounded: the chain that has been still for longest is forgotten", async () => {
  await sent(["ab", "ba", "ab"]);
  await store.write((tx) => {
    for (let chain = 100; chain < 2_100; chain++) loops.sent(tx, hop("ab", 1, chain));
  });
  expect(loops.all()).toEqual([]);
});

test("a chain that has used no model for a long time is removed", async () => {
  await used(3, 5);
  expect(await store.write(() => store.chains.prune(0))).toBe(0);
  expect(await store.write(() => store.chains.prune(1))).toBe(1);
  expect(store.chains.of(CHAIN)).toEqual({ costUsd: 0, unpriced: 0, output: 0, since: { costUsd: 0, output: 0 } });
});
