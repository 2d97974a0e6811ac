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

/** Tests of the time in which many sends are committed but not yet acknowledged. */

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
  folder = mkdtempSync(join(tmpdir(), "sync-visibility-"));
  // Every disk counts as slow, so the sync of many sends runs in the background.
  store = openStoreIn(folder, { quickSyncMs: 0 });
  const nothing = {
    view() {
      throw new Error("there are no requests and changes here");
    },
  };
  const replay = storeReplay(store, directory, nothing, nothing);
  feed = new Feed(replay, () => store.settle());
  broker = new Broker({ store, feed, directory, bus: openBus(), maxHops: 3, leaseGraceMs: 60_000, onUnexpected });
});
afterEach(() => {
  broker.stop();
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Sends enough messages at once for a sync in the background. Resolves while the sync runs. */
async function sendMany(to: string): Promise<{ all: Promise<unknown>; acknowledged: () => number }> {
  let acknowledged = 0;
  const sends = Array.from({ length: MIN_BACKGROUND }, async (_, nth) => {
    await broker.send(operator, { to, body: `${nth}` });
    acknowledged++;
  });
  // The first turn of the loop collects the sends, the second brings no more.
  await turnOfLoop();
  await turnOfLoop();
  return { all: Promise.all(sends), acknowledged: () => acknowledged };
}

test("a wait that times out while a message for it is being committed gets that message", async () => {
  await broker.send(operator, { to: "ada", body: "for the turn" });
  await new Promise<Served>(broker.next("id-ada", "i-ada", never));
  const timeout = new AbortController();
  const waiting = broker.recv("id-ada", "i-ada", 60, timeout.signal);
  const { all, acknowledged } = await sendMany("ada");
  expect(acknowledged()).toBe(0);
  timeout.abort();
  expect((await waiting).message?.body).toBe("0");
  await all;
});

test("a reader that connects while sends are being committed receives each once", async () => {
  const { all, acknowledged } = await sendMany("ada");
  expect(acknowledged()).toBe(0);
  const received: number[] = [];
  feed.subscribe({ after: 0 }, ({ event }) => event.kind === "message" && received.push(event.seq) > 0);
  await all;
  expect(received).toEqual([...new Set(received)]);
  expect(received).toHaveLength(MIN_BACKGROUND);
});

test("a harness that takes over while a lease of the earlier one is being committed gets the message again", async () => {
  const earlier = new Promise<Served>(broker.next("id-ada", "i-1", never));
  const { all } = await sendMany("ada");
  const kept = broker.leases.present("id-ada", "i-2", []);
  const first = await earlier;
  expect("message" in first && first.message.body).toBe("0");
  expect(await kept).toEqual([]);
  await all;
  const again = await new Promise<Served>(broker.next("id-ada", "i-2", never));
  expect("message" in again && again.message).toMatchObject({ body: "0", redelivered: true });
});

test("a harness is not asked to sleep while its mail is being committed", async () => {
  const waiting = new Promise<Served>(broker.next("id-ada", "i-ada", never));
  const { all } = await sendMany("ada");
  expect(broker.offerSleep("id-ada")).toBe(false);
  expect("message" in (await waiting)).toBe(true);
  await all;
});
