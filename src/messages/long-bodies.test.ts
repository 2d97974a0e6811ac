import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openBus } from "../../test/lib/bus.ts";
import { openStoreIn } from "../../test/lib/store.ts";
import { onUnexpected } from "../../test/lib/unexpected.ts";
import { Feed } from "../eventlog/feed.ts";
import { newMessage } from "../store/messages.ts";
import type { Store } from "../store/store.ts";
import { MAX_BODY_BYTES, MAX_LISTING_BYTES, MAX_PREVIEW_BYTES, MAX_SNAPSHOT_LIST_BYTES } from "../wire/limits.ts";
import type { MessageView } from "../wire/message.ts";
import { Broker } from "./broker.ts";
import type { Directory } from "./directory.ts";
import { MessageHistory } from "./history.ts";
import type { Served } from "./waiters.ts";

const ada = { id: "id-ada", name: "ada" };
const directory: Directory = {
  byName: () => ada,
  byId: (id) => (id === ada.id ? ada : undefined),
  live: () => [ada],
  nameOf: (id) => id.replace("id-", ""),
};
const operator = { id: "operator" };
/** The worst body: each byte takes six in JSON. */
const WORST = "\u0001".repeat(MAX_BODY_BYTES);
let folder: string;
let store: Store;
let broker: Broker;
let history: MessageHistory;
let events: MessageView[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "long-"));
  store = openStoreIn(folder);
  const feed = new Feed(
    () => [],
    () => store.seq,
  );
  broker = new Broker({ store, feed, directory, bus: openBus(), maxHops: 3, leaseGraceMs: 60_000, onUnexpected });
  history = new MessageHistory({ store, directory, broker });
  events = [];
  feed.subscribe({}, ({ event }) => event.kind === "message" && events.push(event.message) > 0);
});
afterEach(() => {
  broker.stop();
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
const send = async (body: string, from = operator, to = "ada"): Promise<number> =>
  (await broker.send(from, { to, body })).sent[0]?.id ?? 0;

test("listings and events show the beginning of a long body, and its agent and a query by id get all of it", async () => {
  const id = await send(WORST);
  await send(WORST, ada, "operator");
  await store.write(() => void store.search.takeIn(0, 10));
  const lists = {
    messages: history.messages({ limit: 1, before: id + 1 }).messages[0],
    "messages of one": history.messages({ limit: 9 }, ada.id).messages[0],
    waiting: history.waiting(ada.id, 1).messages[0],
    inbox: broker.operator.list({ limit: 1 }).messages[0],
    event: events[0],
  };
  for (const [name, view] of Object.entries(lists)) {
    expect(view, name).toMatchObject({ cut: true, body_bytes: MAX_BODY_BYTES });
    expect(view?.body?.length, name).toBe(Math.floor(MAX_PREVIEW_BYTES / 6));
  }
  expect(history.whole(id)).toMatchObject({ body: WORST });
  expect(history.whole(id)).not.toHaveProperty("cut");
  const leased = await new Promise<Served>(broker.next(ada.id, "i-1", new AbortController().signal));
  expect("message" in leased && leased.message.body === WORST).toBe(true);
});

test("a listing that reaches its byte limit ends early, and the next one continues there", async () => {
  const ids: number[] = [];
  for (let n = 0; n < 600; n++) ids.push(await send("x".repeat(MAX_PREVIEW_BYTES + n)));
  const seen: number[] = [];
  let pages = 0;
  for (let before: number | undefined; ;) {
    const { messages, more } = history.messages({ limit: 500, before });
    expect(bytesOf(messages)).toBeLessThanOrEqual(MAX_LISTING_BYTES + 1000);
    seen.unshift(...messages.map((one) => one.id));
    pages++;
    if (more !== true) break;
    before = messages[0]?.id;
  }
  expect(seen).toEqual(ids);
  expect(pages).toBe(2);
});

test("held and dead messages of a snapshot have a byte limit, and a cursor to the rest", async () => {
  await store.write(() => {
    for (let n = 0; n < 300; n++) {
      const id = store.nextSeq();
      store.messages.insert(
        newMessage(id, 1, { sender: "id-bob", recipient: ada.id, body: WORST, state: n % 2 ? "held" : "dead" }),
      );
    }
  });
  const first = history.stuck({ limit: 200 }, MAX_SNAPSHOT_LIST_BYTES);
  expect(bytesOf(first.messages)).toBeLessThanOrEqual(MAX_SNAPSHOT_LIST_BYTES + 1000);
  expect(first.more).toBe(true);
  let { messages, more } = first;
  const seen = new Set(messages.map((one) => one.id));
  while (more === true) {
    ({ messages, more } = history.stuck({ limit: 200, before: messages[0]?.id }));
    for (const one of messages) seen.add(one.id);
  }
  expect(seen.size).toBe(300);
});

test.each([
  ["a NUL", "a\u0000b"],
  ["a character at the cut", `${"x".repeat(MAX_PREVIEW_BYTES + 1)}${"🐝".repeat(9)}`],
])("a body with %s is cut at a character and not changed", async (_, body) => {
  const id = await send(body);
  const view = history.messages({ limit: 1 }).messages[0];
  expect(body.startsWith(view?.body ?? "-")).toBe(true);
  expect(view?.cut === true).toBe(view?.body !== body);
  expect(history.whole(id).body).toBe(body);
});
