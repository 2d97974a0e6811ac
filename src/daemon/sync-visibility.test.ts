import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turnOfLoop } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStoreIn } from "../../test/lib/store.ts";
import { onUnexpected } from "../../test/lib/unexpected.ts";
import { storeReplay } from "./replay.ts";
import { Feed } from "../eventlog/feed.ts";
import type { Store } from "../store/store.ts";
import { MIN_BACKGROUND } from "../store/writer.ts";
import type { Directory, Principal } from "../messages/directory.ts";
import { Broker } from "../messages/broker.ts";
import type { Served } from "../messages/waiters.ts";
import { openBus } from "../../test/lib/bus.ts";

/** What holds in the time in which many sends are committed and none has been told yet. */

const principals: Principal[] = ["hm1nd", "ada", "bob"].map((name) => ({ id: `id-${name}`, name }));
const directory: Directory = {
  byName: (name) => principals.find((one) => one.name === name),
  byId: (id) => principals.find((one) => one.id === id),
  live: () => principals,
  nameOf: (id) => principals.find((one) => one.id === id)?.name ?? id,
};
const operator = { id: "operator" };
const never = new AbortController().signal;
let folder: string;
let store: Store;
let feed: Feed;
let broker: Broker;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "background-"));
  // Every disk is slow: the sync of many sends runs in the background.
  store = openStoreIn(folder, { quickSyncMs: 0 });
  const replay = storeReplay(store, directory, {
    view() {
      throw new Error("there are no approvals here");
    },
  });
  feed = new Feed(replay, () => store.settle());
  broker = new Broker({ store, feed, directory, bus: openBus(), maxHops: 3, leaseGraceMs: 60_000, onUnexpected });
});
afterEach(() => {
  broker.stop();
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Sends enough at once for one sync in the background; resolves while that is under way. */
async function underWay(to: string): Promise<{ all: Promise<unknown>; told: () => number }> {
  let told = 0;
  const sends = Array.from({ length: MIN_BACKGROUND }, async (_, nth) => {
    await broker.send(operator, { to, body: `${nth}` });
    told++;
  });
  // One turn in which they are seen, and one that brings no more.
  await turnOfLoop();
  await turnOfLoop();
  return { all: Promise.all(sends), told: () => told };
}

test("a wait that runs out while its message is on the way gets that message", async () => {
  await broker.send(operator, { to: "ada", body: "for the turn" });
  await new Promise<Served>(broker.next("id-ada", "i-ada", never));
  const over = new AbortController();
  const waiting = broker.recv("id-ada", "i-ada", 60, over.signal);
  const { all, told } = await underWay("ada");
  expect(told()).toBe(0);
  over.abort();
  expect((await waiting).message?.body).toBe("0");
  await all;
});

test("a reader who comes while sends are on the way hears of each once", async () => {
  const { all, told } = await underWay("ada");
  expect(told()).toBe(0);
  const heard: number[] = [];
  feed.subscribe({ after: 0 }, ({ event }) => event.kind === "message" && heard.push(event.seq) > 0);
  await all;
  expect(heard).toEqual([...new Set(heard)]);
  expect(heard).toHaveLength(MIN_BACKGROUND);
});

test("a harness that takes over while a lease of the earlier one is on the way gets the message anew", async () => {
  const earlier = new Promise<Served>(broker.next("id-ada", "i-1", never));
  const { all } = await underWay("ada");
  const kept = broker.leases.present("id-ada", "i-2", []);
  const first = await earlier;
  expect("message" in first && first.message.body).toBe("0");
  expect(await kept).toEqual([]);
  await all;
  const again = await new Promise<Served>(broker.next("id-ada", "i-2", never));
  expect("message" in again && again.message).toMatchObject({ body: "0", redelivered: true });
});

test("a harness is not told to sleep while its mail is on the way", async () => {
  const waiting = new Promise<Served>(broker.next("id-ada", "i-ada", never));
  const { all } = await underWay("ada");
  expect(broker.offerSleep("id-ada")).toBe(false);
  expect("message" in (await waiting)).toBe(true);
  await all;
});
