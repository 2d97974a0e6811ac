import { expect, test } from "vitest";
import type { SpooledEvent } from "../wire/event.ts";
import { MAX_BODY_BYTES, MAX_EVENT_BYTES, MAX_NOTE_CHARS } from "../wire/limits.ts";
import type { Agent } from "./agents/agent.ts";
import { Turns } from "./turns.ts";

test("the marks of turns and everything between them have a most size, whatever a program publishes", async () => {
  const stored: SpooledEvent[] = [];
  const turns = new Turns(
    {
      async append(_agent, _instance, events) {
        stored.push(...events);
        return Promise.resolve({ confirmedN: events.length, stored: [] });
      },
      page: () => ({ events: [], more: false }),
      confirmedN: () => 0,
      nextTurn: () => 1,
      lastTurn: () => undefined,
    },
    () => {},
  );
  const long = "x".repeat(1_500_000);
  const tokens = { input: 0, output: 0, cache_read: 0, cache_write: 0 };
  const events: SpooledEvent["event"][] = [
    { type: "turn_start", turn: 1, message_id: 1, from: long, body: long, unread: 0, redelivered: false },
    { type: "session", session_id: "s", model: "m", mcp: { [long]: "connected" } },
    { type: "turn_end", turn: 1, ok: false, reason: long, duration_ms: 1, tokens },
    { type: "turn_end", turn: 2, ok: false, reason: long, duration_ms: 1, tokens },
  ];
  const agent = {} as Agent;
  await turns.record(
    agent,
    "instance",
    events.map((event, index) => ({ n: index + 1, at: "2030-01-31T00:00:00.000Z", event })),
  );
  const [start, ...others] = stored.map(({ event }) => JSON.stringify(event).length);
  expect(start).toBeLessThanOrEqual(MAX_BODY_BYTES + MAX_NOTE_CHARS + 200);
  for (const bytes of others) expect(bytes).toBeLessThanOrEqual(MAX_EVENT_BYTES);
  expect(stored.map(({ event }) => event.type)).toEqual(["turn_start", "note", "turn_end", "turn_end"]);
});
