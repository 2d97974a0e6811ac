import { expect, test } from "vitest";
import type { NumberedEvent, SpooledEvent } from "../wire/event.ts";
import { MAX_BODY_BYTES, MAX_EVENT_BYTES, MAX_NOTE_CHARS } from "../wire/limits.ts";
import type { Agent } from "./agents/agent.ts";
import { Turns, type TurnStore } from "./turns.ts";

const NO_TOKENS = { input: 0, output: 0, cache_read: 0, cache_write: 0 };
const numbered = (events: SpooledEvent["event"][]): SpooledEvent[] =>
  events.map((event, index) => ({ n: index + 1, at: "2030-01-31T00:00:00.000Z", event }));

const storeInto = (stored: NumberedEvent[]): TurnStore => ({
  append(_agent, _instance, events) {
    stored.push(...events);
    return Promise.resolve({ confirmedN: events.length, stored: [] });
  },
  page: () => ({ events: [], more: false }),
  confirmedN: () => 0,
  nextTurn: () => 1,
  lastTurn: () => undefined,
});

test("the end of a turn from a harness that gives no result has the one that its words say", async () => {
  const stored: NumberedEvent[] = [];
  const turns = new Turns(storeInto(stored), () => {});
  const end = { type: "turn_end", turn: 1, duration_ms: 1, tokens: NO_TOKENS } as const;
  const told: SpooledEvent["event"][] = [
    { ...end, ok: true, reason: "completed" },
    { ...end, ok: false, reason: "cancelled, the message goes back" },
    { ...end, ok: false, reason: "the API answers 500" },
    { ...end, ok: false, reason: "cancelled by upstream", result: "parked" },
  ];
  await turns.record({} as Agent, "instance", numbered(told));
  expect(stored.map(({ event }) => event.type === "turn_end" && event.result)).toEqual(["ok", "cancelled", "failed", "parked"]);
});

test("the marks of turns and everything between them have a most size, whatever a program publishes", async () => {
  const stored: NumberedEvent[] = [];
  const turns = new Turns(storeInto(stored), () => {});
  const long = "x".repeat(1_500_000);
  const tokens = NO_TOKENS;
  const events: SpooledEvent["event"][] = [
    { type: "turn_start", turn: 1, message_id: 1, from: long, body: long, unread: 0, redelivered: false },
    { type: "session", session_id: "s", model: "m", mcp: { [long]: "connected" } },
    { type: "turn_end", turn: 1, ok: false, result: "failed", reason: long, duration_ms: 1, tokens },
    { type: "turn_end", turn: 2, ok: false, result: "failed", reason: long, duration_ms: 1, tokens },
  ];
  const agent = {} as Agent;
  await turns.record(agent, "instance", numbered(events));
  const [start, ...others] = stored.map(({ event }) => JSON.stringify(event).length);
  expect(start).toBeLessThanOrEqual(MAX_BODY_BYTES + MAX_NOTE_CHARS + 200);
  for (const bytes of others) expect(bytes).toBeLessThanOrEqual(MAX_EVENT_BYTES);
  expect(stored.map(({ event }) => event.type)).toEqual(["turn_start", "note", "turn_end", "turn_end"]);
});
