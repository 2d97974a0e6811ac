import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openStoreIn } from "../../test/lib/store.ts";
import { onUnexpected } from "../../test/lib/unexpected.ts";
import { SearchIndex } from "../messages/search.ts";
import { newMessage } from "../store/messages.ts";
import type { Store } from "../store/store.ts";
import { HiveError } from "../wire/error.ts";
import type { TurnEvent } from "../wire/event.ts";
import { Retention, roughBytes } from "./retention.ts";
import { openBus } from "../../test/lib/bus.ts";

const DAY = 24 * 3600_000;
const NOW = Date.parse("2030-01-31T00:00:00Z");
let folder: string;
let store: Store;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "retention-"));
  store = openStoreIn(folder);
  for (const name of ["ada", "bob"]) {
    await store.write(() =>
      store.agents.insert((ordinal) => ({
        id: name,
        ordinal,
        name,
        role: "agent",
        desired: "running",
        paused: false,
        generation: 1,
        identity: { kind: "host-uid", uid: ordinal, gid: ordinal },
        createdAt: new Date(NOW).toISOString(),
      })),
    );
  }
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

let count = 0;
async function add(agent: string, events: TurnEvent[], ageDays = 0): Promise<void> {
  const at = new Date(NOW - ageDays * DAY).toISOString();
  const spooled = events.map((event) => ({ n: ++count, at, event }));
  await store.write(() => store.turns.append(agent, agent, "instance", spooled, store.nextSeq));
}
const note = (text: string): TurnEvent => ({ type: "note", level: "info", text });
const start: TurnEvent = {
  type: "turn_start",
  turn: 1,
  message_id: 1,
  from: "operator",
  body: "x",
  unread: 0,
  redelivered: false,
};
const of = (agent: string): string[] =>
  store.turns
    .page(agent, agent, Number.MAX_SAFE_INTEGER, { limit: 100_000, bytes: Infinity })
    .events.map(({ event }) => (event.type === "note" ? event.text.slice(0, 8) : event.type));

test("turn events are removed after 14 days, but the marks of turns are kept", async () => {
  await add("ada", [start, note("old")], 15);
  await add("ada", [note("young")], 13);
  expect(await new Retention(store, { now: () => NOW, onUnexpected }).runOnce()).toMatchObject({ events: 1 });
  expect(of("ada")).toEqual(["turn_start", "young"]);
});

test("an agent's oldest events beyond its byte limit are removed, and its marks and other agents' events stay", async () => {
  await add("ada", [start]);
  const kilobyte = "x".repeat(1000);
  for (let n = 0; n < 10; n++)
    await add(
      "ada",
      Array.from({ length: 1000 }, (_, at) => note(`${String(n * 1000 + at).padStart(7, "0")} ${kilobyte}`)),
    );
  await add("bob", [note("bob's own")]);
  const words: string[] = [];
  const { events } = await new Retention(store, {
    onUnexpected,
    now: () => NOW,
    log: { info: (line) => void words.push(line) },
    turnEventBytes: 3_000_000,
  }).runOnce();
  const left = of("ada");
  expect(left[0]).toBe("turn_start");
  // The newest are complete and in order, and take about as much as the limit.
  expect(left.at(-1)).toBe("0009999 ");
  expect(left.length).toBe(10_001 - events);
  expect(left.length).toBeGreaterThan(2_700);
  expect(left.length).toBeLessThan(5_000);
  expect(of("bob")).toEqual(["bob's ow"]);
  expect(words).toEqual([`retention: 0 bodies and ${events} turn events removed`]);
  // Nothing is removed below the limit.
  expect((await new Retention(store, { now: () => NOW, onUnexpected }).runOnce()).events).toBe(0);
});

test("a round that fails is reported, and the next hour tries again", async () => {
  vi.useFakeTimers({ toFake: ["setInterval"] });
  const unexpected: unknown[] = [];
  const retention = new Retention(
    { ...store, write: () => Promise.reject(new HiveError("disk_full", "the disk is full")) },
    { now: () => NOW, passed: () => 0, onUnexpected: (error) => void unexpected.push(error) },
  );
  retention.start();
  for (const hours of [1, 2]) {
    vi.advanceTimersByTime(3600_000);
    await expect.poll(() => unexpected.length).toBe(hours);
  }
  retention.stop();
  vi.useRealTimers();
});

test("a clock that jumps by a month removes nothing before it has been steady for an hour", async () => {
  const HOUR = 3600_000;
  await add("ada", [note("young")], 1);
  let passed = 0;
  let offset = NOW;
  const words: string[] = [];
  const retention = new Retention(store, {
    onUnexpected,
    now: () => offset + passed,
    passed: () => passed,
    log: { info: (line) => void words.push(line) },
  });
  retention.start();
  const hour = async (): Promise<void> => {
    passed += HOUR;
    await retention.tick();
  };
  await hour();
  offset += 30 * DAY;
  await hour();
  // The clock is corrected.
  offset -= 30 * DAY;
  await hour();
  await hour();
  expect(of("ada")).toEqual(["young"]);
  expect(words.filter((line) => line.includes("jumped"))).toHaveLength(2);
  // After a real month events are removed an hour later.
  offset += 30 * DAY;
  await hour();
  expect(of("ada")).toEqual(["young"]);
  await hour();
  expect(of("ada")).toEqual([]);
  retention.stop();
});

test("each agent keeps its newest turns, marks and connections, and those of others stay", async () => {
  for (let turn = 1; turn <= 30; turn++) await add("ada", [{ ...start, turn }]);
  await add("bob", [{ ...start, turn: 1 }]);
  const connect = (agent: string, port: number): Promise<void> =>
    store.write(() =>
      store.ledger.connect({ agent, at: NOW, host: "a.example", port, verdict: "allowed", bytesIn: 0, bytesOut: 0 }),
    );
  for (let port = 1; port <= 30; port++) await connect("ada", port);
  await connect("bob", 1);
  await new Retention(store, { now: () => NOW, onUnexpected, mostTurns: 10, mostConnections: 5 }).runOnce();
  const turnsOf = (agent: string): number[] => store.turns.list(agent, 1e9, 100).map(({ turn }) => turn);
  expect(turnsOf("ada")).toEqual([30, 29, 28, 27, 26, 25, 24, 23, 22, 21]);
  expect(turnsOf("bob")).toEqual([1]);
  // A turn has two marks.
  expect(of("ada")).toHaveLength(20);
  expect(store.ledger.connections("ada", 1e9, 100).map(({ port }) => port)).toEqual([30, 29, 28, 27, 26]);
  expect(store.ledger.connections("bob", 1e9, 100)).toHaveLength(1);
});

test("a flood is pruned while it comes, without waiting for the hourly round", async () => {
  const retention = new Retention(store, { now: () => NOW, onUnexpected, turnEventBytes: 1_000_000, pruneAfterBytes: 500_000 });
  const events = Array.from({ length: 100 }, () => note("x".repeat(1000)));
  for (let n = 0; n < 100; n++) {
    await retention.added("ada", roughBytes(events.map((event) => ({ event }))));
    await add("ada", events);
  }
  // Ten megabytes came. The rest is the limit, one weighing step, and what came since the last pruning.
  expect(of("ada").length).toBeLessThan(5_000);
});

test("spool positions are kept only for an agent's newest harnesses", async () => {
  for (let n = 1; n <= 100; n++)
    await store.write(() =>
      store.turns.append(
        "ada",
        "ada",
        `instance ${n}`,
        [{ n: 5, at: new Date(NOW).toISOString(), event: note("x") }],
        store.nextSeq,
      ),
    );
  const known = Array.from({ length: 100 }, (_, n) => store.turns.confirmedN("ada", `instance ${n + 1}`));
  expect(known.filter((n) => n === 5)).toHaveLength(16);
  expect(known.at(-1)).toBe(5);
});

test("the oldest bodies beyond an agent's byte limit are removed, and waiting messages, those of others and all other columns stay", async () => {
  const search = new SearchIndex({ store, bus: openBus(), onUnexpected });
  const send = (sender: string, state: "done" | "queued", copies = 1): Promise<number[]> =>
    store.write(() =>
      Array.from({ length: copies }, () => {
        const id = store.nextSeq();
        store.messages.insert(newMessage(id, NOW, { sender, recipient: "operator", state, body: "x".repeat(1000) }));
        return id;
      }),
    );
  const kept = [...(await send("ada", "queued")), ...(await send("bob", "done"))];
  const sent = await send("ada", "done", 4000);
  while (!(await search.catchUp()));
  search.stop();
  await new Retention(store, { now: () => NOW, onUnexpected, sentBytes: 1_500_000 }).runOnce();
  const bodyOf = (id: number): string | null | undefined => store.messages.byId(id)?.body;
  expect(sent.filter((id) => bodyOf(id) !== null)).toEqual(sent.slice(-2000));
  for (const id of kept) expect(bodyOf(id)).toHaveLength(1000);
  expect(store.messages.byId(sent[0] ?? 0)).toMatchObject({ sender: "ada", state: "done" });
});

test("each agent keeps its newest messages, closed questions and audit lines, and open ones, those of requests and those of others stay", async () => {
  const search = new SearchIndex({ store, bus: openBus(), onUnexpected });
  const send = (sender: string, state: "done" | "dead" | "queued", copies = 1): Promise<number[]> =>
    store.write(() =>
      Array.from({ length: copies }, () => {
        const id = store.nextSeq();
        store.messages.insert(newMessage(id, NOW, { sender, recipient: "bob", state, body: "found me" }));
        return id;
      }),
    );
  const ask = (agent: string, state: "open" | "answered"): Promise<void> =>
    store.write(() => {
      const id = store.nextSeq();
      const times = { asked_at: NOW, expires_at: null, closed_at: null, closed_by: null };
      store.questions.insert({ id, seq: id, agent, question: "?", options: "[]", multi: 0, state, answer: null, ...times });
    });
  const record = (agent: string, kind: string, request?: number): Promise<void> =>
    store.write(() =>
      store.ledger.audit(store.nextSeq(), {
        at: NOW,
        actor: "hm1nd",
        agent,
        kind,
        ...(request === undefined ? {} : { request }),
      }),
    );
  const kept = [...(await send("ada", "queued")), ...(await send("bob", "done"))];
  const gone = [...(await send("ada", "dead")), ...(await send("ada", "done", 1500)), ...(await send("system", "done", 1500))];
  const newest = [...(await send("ada", "done", 1000)), ...(await send("system", "done", 1000))];
  await ask("ada", "open");
  for (let n = 0; n < 30; n++) await ask("ada", "answered");
  await ask("bob", "answered");
  await record("ada", "requested", 7);
  for (let n = 0; n < 30; n++) await record("ada", "started");
  await record("bob", "started");
  while (!(await search.catchUp()));
  search.stop();

  await new Retention(store, { now: () => NOW, onUnexpected, mostSent: 1000, mostQuestions: 5, mostTrail: 5 }).runOnce();
  for (const id of gone) expect(store.messages.byId(id)).toBeUndefined();
  for (const id of [...kept, ...newest]) expect(store.messages.byId(id)).toBeDefined();
  // The removed messages are in neither the search index nor the recipient's list.
  expect(store.search.find('"found"', 10_000)).toHaveLength(kept.length + newest.length);
  expect(store.messages.newestOf("bob", 1e9, 10_000)).toHaveLength(kept.length + newest.length);
  expect([...store.questions.newest(1e9, 100)].reverse().map(({ agent, state }) => `${agent} ${state}`)).toEqual([
    "ada open",
    ...Array<string>(5).fill("ada answered"),
    "bob answered",
  ]);
  const trail = (agent: string): string[] => store.ledger.audited({ agent, before: 1e9, limit: 100 }).map(({ kind }) => kind);
  expect(trail("ada")).toEqual([...Array<string>(5).fill("started"), "requested"]);
  expect(trail("bob")).toEqual(["started"]);
});
