import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openStoreIn } from "../../test/lib/store.ts";
import { onUnexpected } from "../../test/lib/unexpected.ts";
import { Feed } from "../eventlog/feed.ts";
import { newMessage } from "../store/messages.ts";
import type { Store, Tx } from "../store/store.ts";
import type { HiveEvent } from "../wire/event.ts";
import { PARKING_ENDS } from "../wire/turn-ends.ts";
import { MAX_HELD_MESSAGES, MAX_MESSAGE_FAILURES } from "../wire/limits.ts";
import type { Directory, Principal } from "./directory.ts";
import { Broker, type BrokerDeps } from "./broker.ts";
import type { Served } from "./waiters.ts";
import { openBus } from "../../test/lib/bus.ts";

/** A broker on a real database file, with agents whose ids derive from their names. */
let folder: string;
let store: Store;
let broker: Broker;
let principals: Principal[];
let published: HiveEvent[];
let bus: ReturnType<typeof openBus>;
const never = new AbortController().signal;
const directory: Directory = {
  byName: (name) => principals.find((one) => one.name === name),
  byId: (id) => principals.find((one) => one.id === id),
  live: () => principals,
  nameOf: (id) => principals.find((one) => one.id === id)?.name ?? id,
};

function open(options: Partial<BrokerDeps> = {}): Broker {
  published = [];
  bus = openBus();
  const feed = new Feed(
    () => [],
    () => store.seq,
  );
  feed.subscribe({}, ({ event }) => published.push(event) > 0);
  return new Broker({ store, feed, directory, bus, maxHops: 3, leaseGraceMs: 60_000, onUnexpected, ...options });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "broker-"));
  store = openStoreIn(folder);
  principals = ["hm1nd", "ada", "bob", "cyd"].map((name) => ({ id: `id-${name}`, name }));
  broker = open();
});
afterEach(() => {
  broker.stop();
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const operator = { id: "operator" };
const as = (name: string) => ({ id: `id-${name}` });
async function send(to: string, body: string, from: { id: string } = operator, extra: object = {}): Promise<number> {
  const { sent } = await broker.send(from, { to, body, ...extra });
  return sent[0]?.id ?? 0;
}
async function next(
  name: string,
  instance = `i-${name}`,
): Promise<{ message: { id: number; body: string; redelivered: boolean; from: string }; token: string; unread: number }> {
  const served: Served = await new Promise<Served>(broker.next(`id-${name}`, instance, never));
  if ("sleep" in served) throw new Error("asked to sleep");
  return served;
}
const finish = (name: string, outcome: Parameters<Broker["leases"]["finish"]>[2] = { kind: "ok" }): Promise<void> =>
  broker.leases.finish(`id-${name}`, `i-${name}`, outcome);
const stateOf = (id: number): string | undefined => store.messages.byId(id)?.state;

describe("lease and acknowledgement", () => {
  test("a message is leased to one harness, acknowledged by the turn's success, and never redelivered", async () => {
    const id = await send("ada", "one");
    const { message, token } = await next("ada");
    expect(message).toMatchObject({ id, body: "one", redelivered: false, from: "operator" });
    expect(token).not.toBe("");
    expect(stateOf(id)).toBe("leased");
    await finish("ada");
    expect(stateOf(id)).toBe("done");
    await broker.leases.present("id-ada", "another", []);
    expect(broker.hasMail("id-ada")).toBe(false);
  });

  test("a send answers after the row is stored, and leases to a waiter in the same commit", async () => {
    const waiting = next("ada");
    const { sent } = await broker.send(operator, { to: "ada", body: "now" });
    expect(sent[0]?.state).toBe("leased");
    expect((await waiting).message.body).toBe("now");
  });

  test("a send concurrent with a next does not overtake queued mail", async () => {
    const older = await send("ada", "older");
    const newer = broker.send(operator, { to: "ada", body: "newer" });
    const { message } = await next("ada");
    expect(message.id).toBe(older);
    expect((await newer).sent[0]?.state).toBe("queued");
  });

  test("recv adds to the running turn, and the turn's end acknowledges all of it", async () => {
    const first = await send("ada", "one");
    await next("ada");
    const second = await send("ada", "two");
    const got = await broker.recv("id-ada", "i-ada", undefined, never);
    expect(got.message?.id).toBe(second);
    expect((await broker.recv("id-ada", "i-ada", undefined, never)).message).toBeUndefined();
    await finish("ada");
    expect([stateOf(first), stateOf(second)]).toEqual(["done", "done"]);
  });

  test("a send wakes a waiting recv", async () => {
    await send("ada", "one");
    await next("ada");
    const waiting = broker.recv("id-ada", "i-ada", 180, never);
    await send("ada", "two", as("bob"));
    expect((await waiting).message).toMatchObject({ body: "two", from: "bob" });
  });

  test("recv outside a turn is refused", async () => {
    await expect(broker.recv("id-ada", "i-ada", 0, never)).rejects.toThrow("no turn is running");
  });

  test("a waiter whose connection ends is removed, and the message stays for the next", async () => {
    const gone = new AbortController();
    const waiting = new Promise<Served>(broker.next("id-ada", "i-ada", gone.signal));
    gone.abort();
    await expect(waiting).rejects.toThrow("connection ended");
    const id = await send("ada", "one");
    expect(stateOf(id)).toBe("queued");
  });
});

describe("order", () => {
  test("each inbox keeps the order of its sends, even after a return", async () => {
    for (let n = 1; n <= 20; n++) await send("ada", String(n));
    const bodies: string[] = [];
    bodies.push((await next("ada")).message.body);
    await finish("ada", { kind: "parked", why: "upstream", reason: "outage" });
    for (let n = 0; n < 20; n++) {
      bodies.push((await next("ada")).message.body);
      await finish("ada");
    }
    expect(bodies).toEqual(["1", ...Array.from({ length: 20 }, (_, n) => String(n + 1))]);
  });

  test("concurrent sends to several inboxes get distinct rising ids", async () => {
    const ids = await Promise.all(Array.from({ length: 100 }, (_, n) => send(n % 2 === 0 ? "ada" : "bob", String(n))));
    expect(new Set(ids).size).toBe(100);
    expect([...ids].sort((a, b) => a - b)).toEqual(ids);
  });
});

describe("redelivery and dead letters", () => {
  test("a dead harness's message is redelivered and marked", async () => {
    const id = await send("ada", "one");
    await next("ada");
    await broker.leases.release("id-ada", "i-ada");
    const again = await next("ada", "second");
    expect(again.message).toMatchObject({ id, redelivered: true });
  });

  test("only failures of the message itself count, the fifth makes it dead, and the next message is delivered", async () => {
    const bad = await send("ada", "poison");
    const good = await send("ada", "fine");
    for (let n = 0; n < 10; n++) {
      await next("ada");
      await finish("ada", { kind: "parked", why: "rate_limited", reason: "429" });
    }
    expect(store.messages.byId(bad)?.failures).toBe(0);
    for (const why of PARKING_ENDS) {
      await next("ada");
      await finish("ada", { kind: "parked", why, reason: why });
    }
    expect(store.messages.byId(bad)).toMatchObject({ state: "queued", failures: 0 });
    for (let n = 0; n < MAX_MESSAGE_FAILURES; n++) {
      expect((await next("ada")).message.id).toBe(bad);
      await finish("ada", { kind: "failed", why: "failed", reason: "the CLI crashed" });
    }
    expect(store.messages.byId(bad)).toMatchObject({ state: "dead", reason: "the CLI crashed", failures: MAX_MESSAGE_FAILURES });
    expect((await next("ada")).message.id).toBe(good);
    // The manager is notified.
    expect((await next("hm1nd")).message.body).toContain('"event":"message_dead"');
  });

  test("a failure counts against the turn's first message only", async () => {
    await send("ada", "first");
    await next("ada");
    const second = await send("ada", "second");
    await broker.recv("id-ada", "i-ada", 0, never);
    await finish("ada", { kind: "failed", why: "failed", reason: "crash" });
    expect(store.messages.byId(second)).toMatchObject({ state: "queued", failures: 0 });
  });

  test("the operator can retry or drop a dead message", async () => {
    const id = await send("ada", "poison");
    for (let n = 0; n < MAX_MESSAGE_FAILURES; n++) {
      await next("ada");
      await finish("ada", { kind: "failed", why: "failed", reason: "crash" });
    }
    await broker.repairs.retry(id, "operator");
    expect((await next("ada")).message.id).toBe(id);
    await finish("ada", { kind: "cancelled", return: true });
    await broker.repairs.drop(id, "operator");
    expect(stateOf(id)).toBe("dropped");
    await expect(broker.repairs.retry(id, "operator")).rejects.toThrow("not dead");
  });

  test("cancel drops the message, and cancel with return returns it", async () => {
    const dropped = await send("ada", "one");
    await next("ada");
    await finish("ada", { kind: "cancelled", return: false });
    expect(stateOf(dropped)).toBe("dropped");
    const kept = await send("ada", "two");
    await next("ada");
    await finish("ada", { kind: "cancelled", return: true });
    expect(store.messages.byId(kept)).toMatchObject({ state: "queued", redelivered: 1 });
  });
});

describe("a new daemon", () => {
  /** Closes and reopens everything, like a restart. */
  function restart(leaseGraceMs: number): void {
    broker.stop();
    store.close();
    store = openStoreIn(folder);
    broker = open({ leaseGraceMs });
  }

  test("a harness that presents its lease keeps it, and a forged or old lease is returned", async () => {
    const mine = await send("ada", "mine");
    const { token } = await next("ada");
    const theirs = await send("bob", "theirs");
    await next("bob");
    restart(60_000);
    expect(await broker.leases.present("id-ada", "i-ada", [{ id: mine, token }])).toEqual([{ id: mine, token }]);
    expect(await broker.leases.present("id-bob", "i-bob", [{ id: theirs, token: "guessed" }])).toEqual([]);
    expect([stateOf(mine), stateOf(theirs)]).toEqual(["leased", "queued"]);
    await finish("ada");
    expect(stateOf(mine)).toBe("done");
  });

  test("leases that are not presented in time are returned", async () => {
    const id = await send("ada", "one");
    await next("ada");
    restart(1);
    broker.start();
    const again = await next("ada", "second");
    expect(again.message).toMatchObject({ id, redelivered: true });
  });

  test("the grace period begins when the sockets are bound, so a slow start returns nothing", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    try {
      const id = await send("ada", "one");
      const { token } = await next("ada");
      restart(1_000);
      await vi.advanceTimersByTimeAsync(5_000);
      expect(stateOf(id)).toBe("leased");
      broker.start();
      expect(await broker.leases.present("id-ada", "i-ada", [{ id, token }])).toEqual([{ id, token }]);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("permissions to send", () => {
  test("the error for an unknown recipient names it and the reachable ones", async () => {
    await expect(broker.send(as("ada"), { to: "ghost", body: "x" })).rejects.toThrow(/"ghost".*operator, bob, cyd, hm1nd/);
  });

  test("an allow-list is enforced, but the manager and the operator are always reachable", async () => {
    principals = principals.map((one) => (one.name === "ada" ? { ...one, allowed: ["bob"] } : one));
    await send("bob", "x", as("ada"));
    await send("hm1nd", "x", as("ada"));
    await send("operator", "x", as("ada"));
    await expect(broker.send(as("ada"), { to: "cyd", body: "x" })).rejects.toThrow("does not let you send to cyd");
  });

  test("* reaches every agent that the sender may reach and lists the others", async () => {
    principals = principals.map((one) => (one.name === "ada" ? { ...one, allowed: ["bob"] } : one));
    const { sent, refused } = await broker.send(as("ada"), { to: "*", body: "all" });
    expect(sent.map((one) => one.to)).toEqual(["bob", "hm1nd"]);
    expect(refused.map((one) => one.to)).toEqual(["cyd"]);
  });

  test("a client_id is stored once per sender and gets the same answer", async () => {
    const first = await broker.send(as("ada"), { to: "bob", body: "x", client_id: "k" });
    const again = await broker.send(as("ada"), { to: "bob", body: "x", client_id: "k" });
    const other = await broker.send(as("cyd"), { to: "bob", body: "x", client_id: "k" });
    expect(again).toMatchObject({ duplicate: true, sent: [{ id: first.sent[0]?.id }] });
    expect(other.duplicate).toBe(false);
    expect(broker.unread("id-bob")).toBe(2);
  });

  test("two sends with the same client_id in one commit store once", async () => {
    const [a, b] = await Promise.all([1, 2].map(() => broker.send(as("ada"), { to: "bob", body: "x", client_id: "k" })));
    expect(a?.sent[0]?.id).toBe(b?.sent[0]?.id);
    expect(broker.unread("id-bob")).toBe(1);
  });

  test("a flood is refused with the time to wait", async () => {
    broker.stop();
    broker = open({ sendRate: { perSecond: 1, burst: 3 }, now: () => 1_000_000 });
    for (let n = 0; n < 3; n++) await send("bob", "x", as("ada"));
    await expect(send("bob", "x", as("ada"))).rejects.toMatchObject({ code: "rate_limited" });
    // The operator is never rate limited.
    for (let n = 0; n < 10; n++) await send("bob", "x");
  });

  test("the budget of messages counts what is sent, once, and nothing that is refused", async () => {
    broker.stop();
    let count = 0;
    const messageRate = {
      take(tx: Pick<Tx, "onRollback">, _: string, taken: number) {
        count += taken;
        tx.onRollback(() => (count -= taken));
      },
      giveBack: (_: string, given: number) => void (count -= given),
    };
    broker = open({ messageRate });
    await expect(broker.send(as("ada"), { to: "bob", body: "x", in_reply_to: 999 })).rejects.toThrow("in_reply_to");
    expect(count).toBe(0);
    const failing = store.write(() => {
      store.messages.insert(newMessage(store.nextSeq(), 1, { sender: "a", recipient: "b", body: "x" }));
      throw new Error("undone");
    });
    await Promise.allSettled([send("bob", "x", as("ada")), failing]);
    expect(count).toBe(1);
  });
});

describe("the loop brake", () => {
  test("messages of agents that answer each other are held after the limit until the operator releases them", async () => {
    await send("ada", "go");
    let [from, to] = ["ada", "bob"];
    const held: number[] = [];
    for (let n = 0; n < 5 && held.length === 0; n++) {
      await next(from);
      const id = await send(to, "and you?", as(from));
      if (stateOf(id) === "held") held.push(id);
      await finish(from);
      [from, to] = [to, from];
    }
    const [id = 0] = held;
    expect(store.messages.byId(id)).toMatchObject({ state: "held", hops: 4 });
    expect(await broker.repairs.resumeChain(store.messages.byId(id)?.chain ?? 0, "operator")).toBe(1);
    expect((await next(from)).message.id).toBe(id);
  });

  test("a loop of agents is held when its chain has cost the limit, and not again before it has cost as much again", async () => {
    broker.stop();
    broker = open({ maxHops: 100, loopLimits: { usd: 1, outputTokens: 1_000 } });
    const answers = async (from: string, to: string): Promise<number> => {
      await next(from);
      const id = await send(to, "x", as(from));
      await finish(from);
      return id;
    };
    const chain = await send("ada", "go");
    for (const [from, to] of [
      ["ada", "bob"],
      ["bob", "ada"],
    ] as const)
      await answers(from, to);
    await store.write(() => store.chains.add(chain, { costUsd: 1, unpriced: 0, output: 20 }, 0));
    const held = await answers("ada", "bob");
    expect(store.messages.byId(held)).toMatchObject({
      state: "held",
      hops: 3,
      reason: expect.stringContaining("ada → bob → ada"),
    });
    expect(store.messages.isHeld(chain)).toBe(true);
    expect(broker.hasMail("id-bob")).toBe(false);
    // What the operator says meanwhile is delivered, and so is mail of other chains.
    expect(stateOf(await send("bob", "stop it"))).toBe("queued");
    await next("bob");
    await finish("bob");
    expect(await broker.repairs.resumeChain(chain, "operator")).toBe(1);
    for (const [from, to] of [
      ["bob", "ada"],
      ["ada", "bob"],
      ["bob", "ada"],
    ] as const)
      expect(stateOf(await answers(from, to))).toBe("queued");
    expect(broker.loops.all()).toMatchObject([{ chain, costUsd: 1 }]);
    await store.write(() => store.chains.add(chain, { costUsd: 0, unpriced: 1, output: 1_000 }, 0));
    expect(stateOf(await answers("ada", "bob"))).toBe("held");
  });

  test("at most a thousand messages to one agent are held, the next is refused, and others still receive", async () => {
    broker.stop();
    broker = open({ maxHops: 0, sendRate: { perSecond: 1e6, burst: 1e6 } });
    await send("ada", "go");
    await next("ada");
    for (let n = 0; n < MAX_HELD_MESSAGES; n++) await send("bob", "x", as("ada"));
    await expect(send("bob", "x", as("ada"))).rejects.toThrow("1000 messages to bob are held already");
    expect(stateOf(await send("cyd", "x", as("ada")))).toBe("held");
    expect(stateOf(await send("bob", "x"))).toBe("queued");
  });

  test("a message from the operator starts a new chain", async () => {
    await send("ada", "go");
    await next("ada");
    const inChain = await send("bob", "x", as("ada"));
    const fresh = await send("bob", "y");
    expect(store.messages.byId(inChain)?.hops).toBe(1);
    expect(store.messages.byId(fresh)).toMatchObject({ hops: 0, chain: fresh });
  });
});

describe("pausing, sleeping, waking", () => {
  test("a paused agent's messages queue and are delivered in order afterwards", async () => {
    broker.setServed("id-ada", false);
    const waiting = next("ada");
    await send("ada", "one");
    await send("ada", "two");
    expect(broker.unread("id-ada")).toBe(2);
    broker.setServed("id-ada", true);
    expect((await waiting).message.body).toBe("one");
  });

  test("sleep is offered only to an idle waiter, and a later send goes to the next harness", async () => {
    const woken: string[] = [];
    bus.on("mail_waiting", (id) => void woken.push(id));
    expect(broker.offerSleep("id-ada")).toBe(false);
    const waiting = new Promise<Served>(broker.next("id-ada", "i-ada", never));
    expect(broker.offerSleep("id-ada")).toBe(true);
    const id = await send("ada", "too late");
    expect(await waiting).toEqual({ sleep: true });
    expect(stateOf(id)).toBe("queued");
    expect(woken).toEqual(["id-ada"]);
    // The next harness that says hello gets it.
    await broker.leases.present("id-ada", "second", []);
    expect((await next("ada", "second")).message).toMatchObject({ id, redelivered: false });
  });

  test("an agent with a lease is not offered sleep", async () => {
    await send("ada", "one");
    await next("ada");
    broker.next("id-ada", "i-ada", never)(() => {}, onUnexpected);
    expect(broker.offerSleep("id-ada")).toBe(false);
  });

  test("mail without a waiter wakes the cage once per message", async () => {
    const woken: string[] = [];
    bus.on("mail_waiting", (id) => void woken.push(id));
    await send("bob", "x");
    expect(woken).toEqual(["id-bob"]);
  });
});

describe("the operator's inbox", () => {
  test("a stored message is delivered, and unread counts the messages after the read position", async () => {
    const first = await send("operator", "one", as("ada"));
    await send("operator", "two", as("bob"));
    expect(broker.operator.list({ limit: 10 })).toMatchObject({ unread: 2, read_up_to: 0 });
    await broker.operator.markRead(first);
    expect(broker.operator.list({ limit: 10, unread: true }).messages.map((message) => message.body)).toEqual(["two"]);
    // The read position never moves back.
    await broker.operator.markRead(0);
    expect(broker.operator.readUpTo()).toBe(first);
  });
});

test("every change of a message is published once, after it is stored, in order of seq", async () => {
  await send("ada", "one");
  await next("ada");
  await finish("ada");
  const events = published.flatMap((event) => (event.kind === "message" ? [event] : []));
  expect(events.map((event) => event.message.state)).toEqual(["queued", "leased", "done"]);
  const seqs = events.map((event) => event.seq);
  expect([...seqs].sort((a, b) => a - b)).toEqual(seqs);
});

test("a harness that has ended no longer waits, and the next message goes to its successor", async () => {
  const gone = expect(next("ada", "old")).rejects.toMatchObject({ code: "unavailable" });
  await broker.leases.release("id-ada", "old");
  await gone;
  const stale = expect(next("ada", "older")).rejects.toMatchObject({ code: "unavailable" });
  await broker.leases.present("id-ada", "new", []);
  await stale;
  const waiting = next("ada", "new");
  const id = await send("ada", "for the new harness");
  expect((await waiting).message.id).toBe(id);
});

test("a changed inbox is reported at once, and a storm of changes together", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  try {
    broker = open();
    const reported: string[] = [];
    bus.on("inbox_changed", (inbox) => void reported.push(inbox));
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    await send("ada", "first");
    await turn();
    expect(reported).toEqual(["id-ada"]);
    for (let nth = 0; nth < 20; nth++) await send(nth % 2 ? "ada" : "bob", "storm");
    await turn();
    expect(reported).toEqual(["id-ada"]);
    vi.advanceTimersByTime(1000);
    expect(reported.slice(1).sort()).toEqual(["id-ada", "id-bob"]);
    await send("cyd", "after it");
    await turn();
    expect(reported.at(-1)).toBe("id-cyd");
  } finally {
    vi.useRealTimers();
  }
});

test("a waiter gets its message before the sender is answered", async () => {
  const order: string[] = [];
  const waiting = next("ada").then(() => void order.push("receiver"));
  await send("ada", "now").then(() => void order.push("sender"));
  await waiting;
  expect(order).toEqual(["receiver", "sender"]);
});
