import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openStoreIn } from "../../test/lib/store.ts";
import type { Store } from "../store/store.ts";
import type { NumberedEvent, SpooledEvent } from "../wire/event.ts";
import { MAX_BODY_BYTES, MAX_EVENT_BYTES, MAX_NOTE_CHARS } from "../wire/limits.ts";
import { AgentConfig } from "../wire/config.ts";
import { Agent, stateOf } from "./agent.ts";
import { openBus } from "../../test/lib/bus.ts";
import { turnStore } from "./turn-store.ts";
import { Turns, type TurnStore } from "./turns.ts";

const NO_TOKENS = { input: 0, output: 0, cache_read: 0, cache_write: 0 };
const numbered = (events: SpooledEvent["event"][]): SpooledEvent[] =>
  events.map((event, index) => ({ n: index + 1, at: "2030-01-31T00:00:00.000Z", event }));

const anAgent = (): Agent =>
  new Agent({ id: "id-ada", name: "ada", generation: 1 } as never, {
    config: AgentConfig.parse({}),
    instructions: "",
    warnings: [],
    unreadable: undefined,
  });

const storeInto = (stored: NumberedEvent[]): TurnStore => ({
  append(_agent, _instance, events) {
    stored.push(...events);
    return Promise.resolve({ confirmedN: events.length, stored: [] });
  },
  page: () => ({ events: [], more: false }),
  open: () => [],
  end: () => Promise.resolve(),
  confirmedN: () => 0,
  nextTurn: () => 1,
  lastTurn: () => undefined,
});

test("a turn end without a result gets one from its reason", async () => {
  const stored: NumberedEvent[] = [];
  const turns = new Turns({ store: storeInto(stored), bus: openBus(), now: Date.now });
  const end = { type: "turn_end", turn: 1, duration_ms: 1, tokens: NO_TOKENS } as const;
  const reported: SpooledEvent["event"][] = [
    { ...end, ok: true, reason: "completed" },
    { ...end, ok: false, reason: "cancelled, the message goes back" },
    { ...end, ok: false, reason: "the API answers 500" },
    { ...end, ok: false, reason: "cancelled by upstream", result: "parked" },
  ];
  await turns.record(anAgent(), "instance", numbered(reported));
  expect(stored.map(({ event }) => event.type === "turn_end" && event.result)).toEqual(["ok", "cancelled", "failed", "parked"]);
});

test("turn marks and the events between them have a maximum size, whatever a harness publishes", async () => {
  const stored: NumberedEvent[] = [];
  const turns = new Turns({ store: storeInto(stored), bus: openBus(), now: Date.now });
  const long = "x".repeat(1_500_000);
  const tokens = NO_TOKENS;
  const events: SpooledEvent["event"][] = [
    { type: "turn_start", turn: 1, message_id: 1, from: long, body: long, unread: 0, redelivered: false },
    { type: "session", session_id: "s", model: "m", mcp: { [long]: "connected" } },
    { type: "turn_end", turn: 1, ok: false, result: "failed", reason: long, duration_ms: 1, tokens },
    { type: "turn_end", turn: 2, ok: false, result: "failed", reason: long, duration_ms: 1, tokens },
  ];
  const agent = anAgent();
  await turns.record(agent, "instance", numbered(events));
  const [start, ...others] = stored.map(({ event }) => JSON.stringify(event).length);
  expect(start).toBeLessThanOrEqual(MAX_BODY_BYTES + MAX_NOTE_CHARS + 200);
  for (const bytes of others) expect(bytes).toBeLessThanOrEqual(MAX_EVENT_BYTES);
  expect(stored.map(({ event }) => event.type)).toEqual(["turn_start", "note", "turn_end", "turn_end"]);
});

describe("a turn whose harness has gone", () => {
  const START = Date.parse("2030-01-31T00:00:00.000Z");
  const startOf = (turn: number): SpooledEvent["event"] => ({
    type: "turn_start",
    turn,
    message_id: turn,
    from: "operator",
    body: "x",
    unread: 0,
    redelivered: false,
  });
  const endOf = (turn: number): SpooledEvent["event"] => ({
    type: "turn_end",
    turn,
    ok: true,
    reason: "completed",
    duration_ms: 9,
    tokens: NO_TOKENS,
  });
  let folder: string;
  let store: Store;
  let turns: Turns;
  let published: string[];
  let ended: string[];
  let now: number;
  /** Resolves when there is room to store events. */
  let room: Promise<void>;
  let agent: Agent;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "turns-"));
    store = openStoreIn(folder);
    published = [];
    now = START + 60_000;
    room = Promise.resolve();
    agent = anAgent();
    const bus = openBus();
    ended = [];
    bus.on("turn_ended", ({ agent: { name }, result }) => void ended.push(`${name}: ${result}`));
    turns = new Turns({
      store: turnStore(store, { publish: (event) => void published.push(JSON.stringify(event)) }, { addedEvents: () => room }),
      bus,
      now: () => now,
    });
  });
  afterEach(() => {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const rows = () => store.turns.list("id-ada", Number.MAX_SAFE_INTEGER, 10);

  test("ends as interrupted with the reason, its duration and the metered usage, and is published", async () => {
    await turns.record(agent, "i1", numbered([startOf(1)]));
    Object.assign(stateOf(agent).turn.running ?? {}, { tokens: { ...NO_TOKENS, input: 70 }, costUsd: 0.5 });
    await turns.interrupt(agent, "the cage crashed (ended by SIGKILL)");
    expect(ended).toEqual(["ada: interrupted"]);
    expect(rows()).toMatchObject([
      {
        turn: 1,
        result: "interrupted",
        reason: "interrupted: the cage crashed (ended by SIGKILL); the message goes back",
        ended_at: START + 60_000,
        duration_ms: 60_000,
        tokens: 70,
        cost_usd: 0.5,
      },
    ]);
    expect(published.at(-1)).toContain('"result":"interrupted"');
    expect(agent.turn).toBeUndefined();
    await turns.interrupt(agent, "again");
    expect(ended).toHaveLength(1);
  });

  test("is metered on by the next daemon, whether its harness goes on or has ended", async () => {
    const used = { tokens: { ...NO_TOKENS, input: 70 }, costUsd: 0.5, budgetUsd: 0.5, credential: "work" };
    const meter = async (by: Turns, who: Agent): Promise<void> => {
      const running = by.meter(who, used);
      if (running) await store.write(() => store.turns.meter(who.id, running.turn, running));
    };
    await turns.record(agent, "i1", numbered([startOf(1)]));
    await meter(turns, agent);
    const nextDaemon = (): [Turns, Agent] => [
      new Turns({
        store: turnStore(store, { publish: () => {} }, { addedEvents: () => room }),
        bus: openBus(),
        now: () => START,
      }),
      anAgent(),
    ];
    const [second, same] = nextDaemon();
    second.resume(same);
    expect(same.turn).toMatchObject({ turn: 1, startedAt: START, tokens: { input: 70 } });
    await meter(second, same);
    // Its harness ends while the third is away.
    const [third, last] = nextDaemon();
    await third.interrupt(last, "the cage ended");
    expect(rows()).toMatchObject([{ turn: 1, result: "interrupted", tokens: 140, cost_usd: 1, credential: "work" }]);
    expect(third.meter(last, used)).toBeUndefined();

    // The end of a turn that the last daemon began has the figures of the gateway, not the harness's.
    await turns.record(agent, "i2", numbered([startOf(2)]));
    await meter(turns, agent);
    const [fourth, other] = nextDaemon();
    await fourth.record(other, "i2", numbered([startOf(2), endOf(2)]).slice(1));
    expect(rows()[0]).toMatchObject({ turn: 2, tokens: 70, cost_usd: 0.5 });
  });

  test("ends even if its start was still being stored when the harness ended", async () => {
    let makeRoom = (): void => {};
    room = new Promise((resolve) => (makeRoom = resolve));
    const recorded = turns.record(agent, "i1", numbered([startOf(1)]));
    const interrupted = turns.interrupt(agent, "the agent was killed (by operator)");
    makeRoom();
    await recorded;
    await interrupted;
    expect(ended).toEqual(["ada: interrupted"]);
    expect(rows().map(({ result }) => result)).toEqual(["interrupted"]);
  });

  test("ends when another harness says hello, but continues if that harness runs it", async () => {
    await turns.record(agent, "i1", numbered([startOf(1)]));
    await turns.interrupt(agent, "another harness of the agent took over", "i1");
    expect(ended).toEqual([]);
    expect(rows()).toMatchObject([{ turn: 1, ended_at: null }]);
    await turns.interrupt(agent, "another harness of the agent took over", "i2");
    expect(ended).toEqual(["ada: interrupted"]);
    expect(rows()).toMatchObject([{ turn: 1, result: "interrupted" }]);
  });

  test("ends once: a harness that returns late does not end it again", async () => {
    const [start, end] = numbered([startOf(1), endOf(1)]) as [SpooledEvent, SpooledEvent];
    await turns.record(agent, "i1", [start]);
    await turns.interrupt(agent, "the harness did not connect again within 30 s");
    expect(await turns.record(agent, "i1", [end])).toBe(2);
    expect(rows()).toMatchObject([{ turn: 1, result: "interrupted" }]);
    const { events } = turns.page(agent, { agent: "ada", limit: 10 });
    expect(events.map(({ event }) => event.type)).toEqual(["turn_start", "turn_end"]);
  });

  test("ends when the next one begins: an agent has at most one open turn", async () => {
    await turns.record(agent, "i1", numbered([startOf(1), startOf(2), startOf(3)]));
    expect(store.turns.open("id-ada").map(({ turn }) => turn)).toEqual([3]);
    expect(rows().map(({ result }) => result)).toEqual([null, "interrupted", "interrupted"]);
  });

  const used = { tokens: { ...NO_TOKENS, output: 1_000 }, costUsd: 3, budgetUsd: 3, credential: "work" };
  /** Counts an answer as the daemon does. */
  async function answer(): Promise<void> {
    const running = turns.meter(agent, used);
    if (running) await store.write(() => store.turns.meter(agent.id, running.turn, running));
  }

  test("has used what was metered of it if another one begins", async () => {
    await turns.record(agent, "i1", numbered([startOf(1)]));
    await answer();
    await turns.record(agent, "i1", numbered([startOf(1), startOf(2)]));
    expect(rows().at(-1)).toMatchObject({ turn: 1, result: "interrupted", tokens: 1_000, cost_usd: 3, credential: "work" });
  });

  const outside = (): void => {
    expect(turns.meter(agent, used)).toBeUndefined();
    turns.resume(agent);
    expect(agent.turn).toBeUndefined();
  };

  test("is not revived by an answer that comes before its end is stored", async () => {
    const [start, end] = numbered([startOf(1), endOf(1)]) as [SpooledEvent, SpooledEvent];
    await turns.record(agent, "i1", [start]);
    await answer();
    const recorded = turns.record(agent, "i1", [end]);
    outside();
    await recorded;
    outside();
    expect(rows()).toMatchObject([{ turn: 1, result: "ok", tokens: 1_000 }]);
  });

  test("keeps its figures if its end could not be stored and is published again", async () => {
    const [start, end] = numbered([startOf(1), endOf(1)]) as [SpooledEvent, SpooledEvent];
    await turns.record(agent, "i1", [start]);
    await answer();
    room = Promise.reject(new Error("the disk is full"));
    await expect(turns.record(agent, "i1", [end])).rejects.toThrow("full");
    outside();
    room = Promise.resolve();
    await turns.record(agent, "i1", [end]);
    expect(rows()).toMatchObject([{ turn: 1, result: "ok", tokens: 1_000, cost_usd: 3 }]);
  });

  test.each([
    ["the cage ended", undefined],
    ["another harness took over", "i2"],
  ])("is not revived by an answer while it is interrupted because %s", async (why, instance) => {
    await turns.record(agent, "i1", numbered([startOf(1)]));
    await answer();
    const interrupted = turns.interrupt(agent, why, instance);
    if (instance === undefined) outside();
    await interrupted;
    outside();
    expect(rows()).toMatchObject([{ turn: 1, result: "interrupted", tokens: 1_000 }]);
  });

  test("goes on if its harness publishes the end of another one", async () => {
    await turns.record(agent, "i1", numbered([startOf(1), startOf(2)]));
    await answer();
    await turns.record(agent, "i1", [{ n: 3, at: "2030-01-31T00:00:00.000Z", event: endOf(1) }]);
    expect(agent.turn).toMatchObject({ turn: 2, tokens: { output: 1_000 } });
  });

  test.each([
    ["before its last answer", "1970-01-01T00:00:00.000Z", START + 40_000],
    ["in the future", "2999-01-01T00:00:00.000Z", START + 60_000],
    ["while the daemon was away", "2030-01-31T00:00:50.000Z", START + 50_000],
  ])("that its harness says to have ended %s has ended in between", async (_, at, endedAt) => {
    now = START + 40_000;
    const [start, end] = numbered([startOf(1), endOf(1)]) as [SpooledEvent, SpooledEvent];
    await turns.record(agent, "i1", [start]);
    await answer();
    now = START + 60_000;
    await turns.record(agent, "i1", [{ ...end, at }]);
    expect(rows()).toMatchObject([{ started_at: START, ended_at: endedAt, tokens: 1_000 }]);
    // The next one begins after it.
    await turns.record(agent, "i1", [{ n: 3, at: "1970-01-01T00:00:00.000Z", event: startOf(2) }]);
    expect([agent.turn?.startedAt, rows()[0]?.started_at]).toEqual([endedAt, endedAt]);
  });
});

describe("the number of a turn is the daemon's", () => {
  let folder: string;
  let store: Store;
  let turns: Turns;
  let agent: Agent;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "turns-"));
    store = openStoreIn(folder);
    agent = anAgent();
    const room = { addedEvents: () => Promise.resolve() };
    turns = new Turns({ store: turnStore(store, { publish: () => {} }, room), bus: openBus(), now: Date.now });
    await turns.record(agent, "i1", [startOf(1, 1), endOf(2, 1)]);
    expect(turns.position(agent, "i2").nextTurn).toBe(2);
  });
  afterEach(() => {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const at = "2030-01-31T00:00:00.000Z";
  const startOf = (n: number, turn: number): SpooledEvent => ({
    n,
    at,
    event: { type: "turn_start", turn, message_id: 1, from: "operator", body: "x", unread: 0, redelivered: false },
  });
  const endOf = (n: number, turn: number): SpooledEvent => ({
    n,
    at,
    event: { type: "turn_end", turn, ok: true, reason: "completed", duration_ms: 1, tokens: NO_TOKENS },
  });
  const text: SpooledEvent = { n: 1, at, event: { type: "text", text: "before" } };

  test.each([
    ["a start near the limit of numbers", [startOf(1, Number.MAX_SAFE_INTEGER)]],
    ["a start that leaves one out", [startOf(1, 3)]],
    ["a start of an earlier turn", [startOf(1, 0)]],
    ["an end without a start", [endOf(1, 3)]],
    ["a start after one that is right", [text, startOf(2, 2), endOf(3, 2), startOf(4, 4)]],
  ])("%s is refused, and nothing is stored", (_, events) => {
    expect(() => turns.record(agent, "i2", events)).toThrow(/was not assigned by the daemon: the next one is/);
    expect(store.turns.confirmedN(agent.id, "i2")).toBe(0);
    expect(turns.position(agent, "i2").nextTurn).toBe(2);
    expect(agent.turn).toBeUndefined();
  });

  test.each([Number.MAX_SAFE_INTEGER, 3, 0])("an end of turn %d is refused", (turn) => {
    expect(() => turns.takeEnd(agent, turn)).toThrow(`turn ${turn} was not assigned by the daemon: the next one is 2`);
  });

  test("a turn is recorded again over a new connection, and the next ones follow", async () => {
    await turns.record(agent, "i2", [startOf(1, 2)]);
    Object.assign(stateOf(agent).turn.running ?? {}, { costUsd: 0.5 });
    expect(turns.position(agent, "i2")).toEqual({ confirmedN: 1, nextTurn: 3 });
    await turns.record(agent, "i2", [startOf(1, 2), { ...text, n: 2 }]);
    expect(agent.turn).toMatchObject({ turn: 2, costUsd: 0.5 });
    await turns.record(agent, "i2", [endOf(3, 2), startOf(4, 3), endOf(5, 3)]);
    turns.takeEnd(agent, 3);
    expect(turns.position(agent, "i2").nextTurn).toBe(4);
  });
});
