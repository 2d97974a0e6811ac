import { describe, expect, test } from "vitest";
import type { HiveEvent, StateSnapshot, StoredTurnEvent } from "../../src/wire/event.ts";
import type { MessageView } from "../../src/wire/message.ts";
import { aside, apply, fromSnapshot, mergeMessages, mergeTail, messageById } from "./state.ts";

const message = (id: number, seq: number, extra: Partial<MessageView> = {}): MessageView => ({
  id,
  seq,
  from: "a",
  to: "b",
  chain: id,
  hops: 0,
  state: "queued",
  redelivered: false,
  failures: 0,
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z",
  body: `m${id}`,
  ...extra,
});
const snapshot = (extra: Partial<StateSnapshot> = {}): StateSnapshot => ({
  seq: 10,
  you: { name: "operator", role: "admin" },
  hive: {} as never,
  agents: [],
  questions: [],
  repos: [],
  changes: [],
  approvals: [],
  stuck: [],
  messages: [message(1, 1), message(3, 3)],
  ...extra,
});
const turn = (seq: number, type: "text" | "note" = "text"): StoredTurnEvent => ({
  seq,
  agent: "ada",
  at: "2026-01-01T00:00:00Z",
  event: type === "text" ? { type, text: `t${seq}` } : { type, level: "info", text: "n" },
});

describe("messages", () => {
  test("are sorted by id, in whatever order they arrive", () => {
    expect(
      mergeMessages([message(1, 1), message(5, 5)], [message(3, 3), message(7, 7), message(0, 0)]).map((one) => one.id),
    ).toEqual([0, 1, 3, 5, 7]);
  });

  test("keep the newer change, and ignore an old one", () => {
    const known = [message(1, 9, { state: "done" })];
    expect(mergeMessages(known, [message(1, 4, { state: "leased" })])).toBe(known);
    expect(mergeMessages(known, [message(1, 12, { state: "dead" })])[0]?.state).toBe("dead");
  });
});

describe("a window over a long history", () => {
  const long = fromSnapshot(snapshot({ messages: Array.from({ length: 100 }, (_, n) => message(1000 + n, 1000 + n)) }));

  test("stays without gaps when an old message changes", () => {
    const state = apply(long, { kind: "message", seq: 2000, message: message(5, 2000, { state: "dead" }) });
    expect(state.messages).toBe(long.messages);
    expect(messageById(state, 5)?.state).toBe("dead");
    expect(messageById(state, 1000)?.id).toBe(1000);
  });

  test("keeps the newer change of a message outside of it, too", () => {
    const known = aside(long.elsewhere, [message(5, 9, { state: "done" })]);
    expect(aside(known, [message(5, 4)]).get(5)?.state).toBe("done");
  });

  test("restarts with a new snapshot, because the messages in between are unknown", () => {
    const state = fromSnapshot(snapshot({ messages: [message(5000, 5000)] }), long);
    expect(state.messages.map((one) => one.id)).toEqual([5000]);
  });
});

describe("events", () => {
  test("an event that comes twice, or before its snapshot, changes nothing", () => {
    const state = fromSnapshot(snapshot());
    const event: HiveEvent = { kind: "message", seq: 3, message: message(3, 3) };
    expect(apply(apply(state, event), event).messages).toEqual(state.messages);
  });

  test("partial text of a block that never ends keeps its end", () => {
    let state = fromSnapshot(snapshot());
    const delta = (text: string): HiveEvent => ({ kind: "delta", agent: "ada", delta: { kind: "text", text } });
    for (let n = 0; n < 20; n++) state = apply(state, delta("x".repeat(16 * 1024)));
    expect(apply(state, delta("the end")).partials.get("ada")?.text).toMatch(/^x{262137}the end$/);
  });

  test("partial text grows, is dropped by a reset, and is replaced by the stored event", () => {
    let state = fromSnapshot(snapshot());
    const delta = (kind: "text" | "thinking" | "reset", text: string): HiveEvent => ({
      kind: "delta",
      agent: "ada",
      delta: { kind, text },
    });
    state = apply(apply(state, delta("text", "one ")), delta("text", "two"));
    expect(state.partials.get("ada")).toEqual({ kind: "text", text: "one two" });
    expect(apply(state, delta("reset", "")).partials.has("ada")).toBe(false);
    // A note in between does not end it.
    state = apply(state, { kind: "turn", seq: 20, turn: turn(20, "note") });
    expect(state.partials.has("ada")).toBe(true);
    expect(apply(state, { kind: "turn", seq: 21, turn: turn(21) }).partials.has("ada")).toBe(false);
  });

  test("turn events are kept only for open pages", () => {
    const state = apply(fromSnapshot(snapshot()), { kind: "turn", seq: 11, turn: turn(11) });
    expect(state.tails.size).toBe(0);
    expect(state.seq).toBe(11);
  });
});

test("a tail takes pages before, after and across its events, each event once", () => {
  let tail = mergeTail({ events: [], more: true }, [turn(5), turn(6)]);
  tail = mergeTail(tail, [turn(7)]);
  tail = mergeTail(tail, [turn(3), turn(4), turn(5)], false);
  expect(tail.events.map((one) => one.seq)).toEqual([3, 4, 5, 6, 7]);
  expect(tail.more).toBe(false);
});
