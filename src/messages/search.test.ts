import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openStoreIn } from "../../test/lib/store.ts";
import { newMessage, type MessageRow } from "../store/messages.ts";
import { ftsQuery } from "../store/search.ts";
import type { Store } from "../store/store.ts";
import { MessageHistory } from "./history.ts";
import { SearchIndex } from "./search.ts";
import { openBus } from "../../test/lib/bus.ts";
import { onUnexpected } from "../../test/lib/unexpected.ts";

let folder: string;
let store: Store;
let index: SearchIndex;
let bus: ReturnType<typeof openBus>;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "search-"));
  store = openStoreIn(folder);
  bus = openBus();
  index = new SearchIndex({ store, bus, onUnexpected });
});
afterEach(() => {
  index.stop();
  store.close();
  rmSync(folder, { recursive: true });
});

const add = (body: string, extra: Partial<MessageRow> = {}): Promise<number> =>
  store.write(() => {
    const seq = store.nextSeq();
    store.messages.insert(newMessage(seq, 1, { sender: "a", recipient: "b", state: "done", body, ...extra }));
    return seq;
  });

const history = (): MessageHistory =>
  new MessageHistory({ store, directory: { nameOf: (id) => id }, broker: { queued: () => [] } });

async function find(words: string, who?: string, limit = 50, before?: number): Promise<number[]> {
  await index.catchUp();
  return history()
    .search({ words, limit, before }, who)
    .messages.map((message) => message.id);
}

test("a message is indexed soon after its inbox has changed", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const id = await add("walrus");
    bus.emit("inbox_changed", "b");
    vi.advanceTimersByTime(1_000);
    // This write runs after the write of the index.
    await store.write(() => {});
    expect(
      history()
        .search({ words: "walrus", limit: 1 })
        .messages.map((message) => message.id),
    ).toEqual([id]);
  } finally {
    vi.useRealTimers();
  }
});

describe("search", () => {
  test("finds words by prefix, ignoring case and accents, newest first", async () => {
    const first = await add("The Crawler reads café listings");
    const second = await add("crawl the café again");
    await add("nothing of the kind");
    expect(await find("craw CAFE")).toEqual([second, first]);
    expect(await find("craw listing")).toEqual([first]);
    expect(await find("rawler")).toEqual([]);
  });

  test("never treats input as an operator", async () => {
    const id = await add('OR "quoted" near-miss NOT body:x a*b');
    for (const words of ['"quoted"', "near-miss", "OR", "NOT", "body:x", "a*b", '" OR 1', "(quoted"])
      expect(await find(words.replace(" 1", "")), words).toEqual([id]);
    expect(ftsQuery(' "*() ')).toBeUndefined();
    expect(await find("*")).toEqual([]);
  });

  test("pages continue before the oldest id given, and can be limited to one principal", async () => {
    const ids: number[] = [];
    for (let n = 0; n < 5; n++) ids.push(await add(`word ${n}`, n % 2 === 0 ? { sender: "x" } : { recipient: "y" }));
    const newest = [...ids].reverse();
    expect(await find("word", undefined, 2)).toEqual(newest.slice(0, 2));
    expect(await find("word", undefined, 10, newest[1])).toEqual(newest.slice(2));
    expect(await find("word", "x")).toEqual([ids[4], ids[2], ids[0]]);
    expect(await find("word", "y")).toEqual([ids[3], ids[1]]);
  });

  test("finds a message once its send has answered, until retention has emptied it", async () => {
    const old = await add("secret plan");
    expect(await find("secret")).toEqual([old]);
    expect(await store.write(() => store.messages.prune(2))).toBe(1);
    expect(await find("secret")).toEqual([]);
    const fresh = await add("secret again");
    expect(await find("secret")).toEqual([fresh]);
  });

  test("a long history is indexed in batches, and the answer says if it is incomplete", async () => {
    // Sent at once, so that they share commits.
    await Promise.all(Array.from({ length: 2600 }, () => add("needle")));
    expect(await index.catchUp()).toBe(false);
    expect(await index.catchUp()).toBe(true);
    expect(history().search({ words: "needle", limit: 500, before: undefined }).messages).toHaveLength(500);
  });
});

test("dead and held messages are listed whatever their age", async () => {
  const dead = await add("dead", { state: "dead" });
  const held = await add("held", { state: "held" });
  for (let n = 0; n < 300; n++) await add("done");
  expect(
    history()
      .stuck({ limit: 200 })
      .messages.map((message) => message.id),
  ).toEqual([dead, held]);
});

test("a principal's messages are listed in order, whether indexed or not", async () => {
  const of = (who: string, before?: number, limit = 50): number[] =>
    history()
      .messages({ before, limit }, who)
      .messages.map((message) => message.id);
  const sentByA = (after: number, before: number): number[] =>
    store.messages.sentBetween("a", after, before, 9).map(({ id }) => id);
  const first = await add("one");
  const toA = await add("two", { sender: "c", recipient: "a" });
  await add("three", { sender: "c", recipient: "b" });
  const toItself = await add("four", { sender: "a", recipient: "a" });
  const check = (): void => {
    expect([of("a"), of("a", toItself), of("a", undefined, 2)]).toEqual([
      [first, toA, toItself],
      [first, toA],
      [toA, toItself],
    ]);
    expect([sentByA(0, 100), sentByA(first, 100), sentByA(first, toItself)]).toEqual([[toItself, first], [toItself], []]);
  };
  check();
  await index.catchUp();
  check();
  const last = await add("five", { sender: "b", recipient: "a" });
  expect([of("a"), of("a", undefined, 2), of("b", undefined, 1)]).toEqual([
    [first, toA, toItself, last],
    [toItself, last],
    [last],
  ]);
});
