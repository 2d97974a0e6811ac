import { expect, test } from "vitest";
import { Feed } from "../eventlog/feed.ts";
import type { HiveEvent } from "../wire/event.ts";
import { subscribeLines } from "./stream.ts";

const MIB = 1024 * 1024;
let seq = 0;

/** A turn event with this much text. */
const turn = (chars: number): HiveEvent => {
  seq++;
  const at = "2030-01-31T00:00:00.000Z";
  return { kind: "turn", seq, turn: { seq, agent: "ada", at, event: { type: "text", text: "x".repeat(chars) } } };
};

const feed = new Feed(
  () => [],
  () => seq,
);
const views = { all: () => [] } as never;

async function next(events: AsyncGenerator<HiveEvent>): Promise<HiveEvent | undefined> {
  const { value } = await events.next();
  return value as HiveEvent | undefined;
}

test("a reader whose backlog has too many bytes gets a reset, then the events after it", async () => {
  const ended = new AbortController();
  const events = subscribeLines({ feed, views }, {}, ended.signal);
  const first = next(events);
  feed.publish(turn(1));
  expect(await first).toMatchObject({ kind: "turn", seq: 1 });
  // The reader does not read meanwhile.
  for (let n = 0; n < 40; n++) feed.publish(turn(MIB));
  expect(await next(events)).toEqual({ kind: "reset", seq: 41 });
  feed.publish(turn(1));
  expect(await next(events)).toMatchObject({ kind: "turn", seq: 42 });
  // This works repeatedly.
  for (let n = 0; n < 40; n++) feed.publish(turn(MIB));
  expect(await next(events)).toEqual({ kind: "reset", seq: 82 });
  ended.abort();
  await events.return(undefined);
  expect(feed.readers).toBe(0);
});

test("a reader whose backlog has too many events gets a reset", async () => {
  const events = subscribeLines({ feed, views }, {}, undefined);
  const first = next(events);
  feed.publish(turn(1));
  await first;
  for (let n = 0; n < 20_001; n++) feed.publish(turn(1));
  expect(await next(events)).toEqual({ kind: "reset", seq });
  await events.return(undefined);
});

test("a reader whose backlog is small enough gets every event", async () => {
  const events = subscribeLines({ feed, views }, {}, undefined);
  const first = next(events);
  feed.publish(turn(1));
  await first;
  const from = seq;
  for (let n = 0; n < 7; n++) feed.publish(turn(MIB));
  for (let n = 1; n <= 7; n++) expect(await next(events)).toMatchObject({ kind: "turn", seq: from + n });
  await events.return(undefined);
});

test("the feed is watched while a reader shows the agents, and says when that changes", () => {
  const told: boolean[] = [];
  const one = new Feed(
    () => [],
    () => 0,
  );
  one.onWatched((isWatched) => void told.push(isWatched));
  const stopFollowing = one.subscribe({ kinds: ["approval"] }, () => true);
  expect([one.isWatched, told]).toEqual([false, []]);
  const stopPage = one.subscribe({}, () => true);
  const stopTop = one.subscribe({ kinds: ["message", "agent"] }, () => true);
  stopPage();
  expect([one.isWatched, told]).toEqual([true, [true]]);
  stopTop();
  stopTop();
  stopFollowing();
  // A reader that has gone is noticed by the next event.
  one.subscribe({}, () => false);
  one.publish(turn(1));
  expect([one.isWatched, told]).toEqual([false, [true, false, true, false]]);
});
