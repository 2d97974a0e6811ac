import { expect, test, vi } from "vitest";
import { HiveError } from "../wire/error.ts";
import type { SpooledEvent, TurnEvent } from "../wire/event.ts";
import { MAX_EVENTS_PER_PUBLISH } from "../wire/limits.ts";
import { Spool } from "./spool.ts";

const note = (text: string): TurnEvent => ({ type: "note", level: "info", text });
const texts = (events: SpooledEvent[]): string[] => events.map(({ event }) => (event.type === "note" ? event.text : event.type));

test("events arrive in order, numbered from one, in batches of at most one publish", async () => {
  const batches: SpooledEvent[][] = [];
  const spool = new Spool(async (events) => {
    batches.push(events);
    return events.at(-1)?.n ?? 0;
  });
  const count = MAX_EVENTS_PER_PUBLISH * 2 + 7;
  for (let n = 1; n <= count; n++) spool.add(note(String(n)));
  await spool.flushed();
  const all = batches.flat();
  expect(all.map(({ n }) => n)).toEqual(Array.from({ length: count }, (_, at) => at + 1));
  expect(texts(all)).toEqual(all.map(({ n }) => String(n)));
  for (const batch of batches) expect(batch.length).toBeLessThanOrEqual(MAX_EVENTS_PER_PUBLISH);
});

test("unconfirmed events are sent again, confirmed events are not", async () => {
  const seen: number[][] = [];
  // The daemon stores two of three, stops once, then stores the rest.
  const answers: (number | Error)[] = [2, new Error("gone"), 3];
  const spool = new Spool(async (events) => {
    seen.push(events.map(({ n }) => n));
    const answer = answers.shift() ?? events.at(-1)?.n ?? 0;
    if (answer instanceof Error) throw answer;
    return answer;
  });
  // Add all three before the first is sent.
  const add = (): void => ["a", "b", "c"].forEach((text) => spool.add(note(text)));
  add();
  await spool.flushed();
  expect(seen.at(-1)).toEqual([3]);
  expect(seen.flat().filter((n) => n === 1).length + seen.flat().filter((n) => n === 2).length).toBeLessThanOrEqual(3);
});

test("past 64 MiB the oldest events are dropped, turn marks last, and a note says how many", async () => {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const kept: SpooledEvent[] = [];
  const spool = new Spool(async (events) => {
    await opened;
    kept.push(...events);
    return events.at(-1)?.n ?? 0;
  });
  spool.add({ type: "turn_start", turn: 1, message_id: 1, from: "operator", body: "x", unread: 0, redelivered: false });
  const big = "x".repeat(1024 * 1024);
  for (let n = 0; n < 70; n++) spool.add(note(`${n} ${big}`));
  open();
  await spool.flushed();
  const names = texts(kept).map((text) => text.slice(0, 40));
  expect(names[0]).toBe("turn_start");
  const dropped = Number(/^(\d+) events were dropped/.exec(names.find((name) => name.includes("dropped")) ?? "")?.[1]);
  expect(dropped).toBeGreaterThanOrEqual(6);
  // The newest events remain, with no gap but that one.
  const numbers = names.filter((name) => /^\d+ x/.test(name)).map((name) => Number.parseInt(name, 10));
  expect(numbers).toHaveLength(70 - dropped);
  expect(numbers.at(-1)).toBe(69);
});

test("the mark of a tool call waits for the call, and is sent with the next event or a moment later", async () => {
  vi.useFakeTimers();
  try {
    const batches: string[][] = [];
    const spool = new Spool(async (events) => {
      batches.push(events.map(({ event }) => event.type));
      return events.at(-1)?.n ?? 0;
    });
    const use: TurnEvent = { type: "tool_use", id: "1", name: "mcp__hive__send", input: {} };
    const result: TurnEvent = { type: "tool_result", id: "1", text: "sent", is_error: false };
    spool.add(use);
    spool.add(result);
    expect(batches).toEqual([]);
    await vi.advanceTimersToNextTimerAsync();
    expect(batches).toEqual([["tool_use", "tool_result"]]);
    spool.add(use);
    spool.add(note("text does not wait"));
    await spool.flushed();
    spool.add(use);
    await spool.flushed();
    expect(batches.slice(1)).toEqual([["tool_use", "note"], ["tool_use"]]);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test("an event that the daemon refuses permanently is replaced by a note, and the others arrive", async () => {
  const stored: SpooledEvent[] = [];
  let calls = 0;
  const spool = new Spool(async (events) => {
    calls++;
    if (events.some(({ event }) => event.type === "text" && event.text === "bad"))
      throw new HiveError("bad_request", "events.3: does not fit");
    stored.push(...events);
    return events.at(-1)?.n ?? 0;
  });
  for (const text of ["a", "b", "c", "bad", "d", "e"]) spool.add({ type: "text", text });
  await spool.flushed();
  expect(stored.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5, 6]);
  const recorded = stored.map(({ event }) => (event.type === "text" || event.type === "note" ? event.text : ""));
  expect(recorded).toEqual(["a", "b", "c", "a text event was refused: events.3: does not fit", "d", "e"]);
  expect(calls).toBeLessThan(12);
});
