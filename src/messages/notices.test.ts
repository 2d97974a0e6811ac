import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTestSystem } from "../../test/lib/system.ts";
import { openStoreIn } from "../../test/lib/store.ts";
import { onUnexpected } from "../../test/lib/unexpected.ts";
import { Feed } from "../eventlog/feed.ts";
import type { Store } from "../store/store.ts";
import { MAX_INBOX_MESSAGES, MAX_MESSAGE_FAILURES, MAX_REASON_CHARS } from "../wire/limits.ts";
import { NOTICES, type Notice, type NoticeKind } from "../wire/notices.ts";
import type { Directory, Principal } from "./directory.ts";
import { Questions } from "./questions.ts";
import { Broker } from "./broker.ts";
import type { RateLimit } from "../lib/token-bucket.ts";
import type { Served } from "./waiters.ts";
import { openBus } from "../../test/lib/bus.ts";

/** Tests of limits: a full inbox refuses senders, but never undoes a stored fact. */
const never = new AbortController().signal;
const operator = { id: "operator" };
let folder: string;
let store: Store;
let feed: Feed;
let broker: Broker;
let principals: Principal[];
const directory: Directory = {
  byName: (name) => principals.find((one) => one.name === name),
  byId: (id) => principals.find((one) => one.id === id),
  live: () => principals,
  nameOf: (id) => principals.find((one) => one.id === id)?.name ?? id,
};

function open(sendRate?: RateLimit): Broker {
  const now = () => 1_000_000;
  return new Broker({
    store,
    feed,
    directory,
    bus: openBus(),
    maxHops: 3,
    leaseGraceMs: 60_000,
    onUnexpected,
    ...(sendRate && { sendRate, now }),
  });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "notices-"));
  store = openStoreIn(folder);
  principals = ["hm1nd", "ada", "bob"].map((name) => ({ id: `id-${name}`, name }));
  feed = new Feed(
    () => [],
    () => store.seq,
  );
  broker = open();
});
afterEach(() => {
  broker.stop();
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const fill = async (to: string, filling = broker): Promise<void> => {
  await Promise.all(Array.from({ length: MAX_INBOX_MESSAGES }, () => filling.send(operator, { to, body: "x" })));
};
const next = (name: string): Promise<Served> => new Promise<Served>(broker.next(`id-${name}`, `i-${name}`, never));
const notify = (notice: Notice, to = "hm1nd"): Promise<void> =>
  store.write((tx) => broker.notify(tx, { id: `id-${to}`, name: to }, notice));
/** The notices that are queued in an inbox, parsed. */
const waiting = (name: string): Notice[] =>
  broker
    .queued(`id-${name}`)
    .flatMap((id) => store.messages.byId(id) ?? [])
    .filter((row) => row.sender === "system")
    .map((row) => JSON.parse(row.body ?? "") as Notice);

describe("a notice to a full inbox does not undo the fact that it reports", () => {
  test("a message that fails for the fifth time is dead, and its turn ends", async () => {
    await fill("hm1nd");
    const { sent } = await broker.send(operator, { to: "ada", body: "poison" });
    for (let n = 0; n < MAX_MESSAGE_FAILURES; n++) {
      await next("ada");
      await broker.leases.finish("id-ada", "i-ada", { kind: "failed", why: "failed", reason: "the CLI crashed" });
    }
    expect(store.messages.byId(sent[0]?.id ?? 0)).toMatchObject({ state: "dead", failures: MAX_MESSAGE_FAILURES });
    expect(broker.isHandling("id-ada")).toBe(false);
    expect(waiting("hm1nd")).toMatchObject([{ event: "message_dead", message_id: sent[0]?.id }]);
  });

  test("the notice of a dead message has at most the size of a message, whatever its reason", async () => {
    const { sent } = await broker.send(operator, { to: "ada", body: "poison" });
    for (let n = 0; n < MAX_MESSAGE_FAILURES; n++) {
      await next("ada");
      await broker.leases.finish("id-ada", "i-ada", { kind: "failed", why: "failed", reason: "R".repeat(1_900_000) });
    }
    expect(waiting("hm1nd")).toMatchObject([{ event: "message_dead", reason: expect.stringMatching(/^R+… \(cut\)$/) }]);
    expect(store.messages.byId(sent[0]?.id ?? 0)?.reason).toHaveLength(MAX_REASON_CHARS);
  });

  test("a question is answered, and its agent is notified", async () => {
    const questions = new Questions({ store, feed, broker, directory, onUnexpected });
    const { id } = await questions.ask("id-ada", { question: "why?" });
    await fill("ada");
    expect(await questions.answer({ id, text: "because" }, "operator")).toMatchObject({ state: "answered" });
    expect(waiting("ada")).toMatchObject([{ event: "operator_answered", question_id: id, answer: "because" }]);
    questions.stop();
  });

  test("the manager's request is denied, and the operator's is deployed", async () => {
    const system = await openTestSystem();
    await system.through((await system.requests.spawn({ name: "hm1nd", by: "system", origin: "first_start" })).id);
    const { id } = await system.requests.spawn({ name: "ada", by: "hm1nd", origin: "request" });
    await fill("hm1nd", system.broker);
    expect(await system.decisions.deny(id, "no", "operator")).toMatchObject({ state: "denied" });
    await system.through((await system.requests.spawn({ name: "bob", by: "operator", origin: "spawn" })).id);
    expect(system.swarm.byName("bob").record.deployedSha).toBeDefined();
    expect(system.broker.unread(system.swarm.byName("hm1nd").id)).toBe(MAX_INBOX_MESSAGES + 2);
    expect(system.unexpected).toEqual([]);
    await system.close();
  });
});

describe("bounds of notices", () => {
  test.each(Object.entries(NOTICES))("%s", async (kind, rule) => {
    const event = kind as NoticeKind;
    for (let n = 1; n <= 3; n++) await notify({ event, agent: "ada", n });
    await notify({ event, agent: "bob", n: 4 });
    const kept = rule.class === "state" ? [3, 4] : [1, 2, 3, 4];
    expect(waiting("hm1nd").map(({ n }) => n)).toEqual(kept);
    expect(broker.unread("id-hm1nd")).toBe(kept.length);
  });

  test("a notice that is in a turn or of another kind is not replaced", async () => {
    await notify({ event: "killed", agent: "ada", n: 1 });
    const { message } = (await next("hm1nd")) as Extract<Served, { message: unknown }>;
    await notify({ event: "killed", agent: "ada", n: 2 });
    await notify({ event: "rebuilt", agent: "ada", n: 3 });
    expect(store.messages.byId(message.id)).toMatchObject({ state: "leased" });
    expect(waiting("hm1nd").map(({ n }) => n)).toEqual([2, 3]);
  });

  test("a notice whose transaction fails replaces nothing", async () => {
    await notify({ event: "killed", agent: "ada", n: 1 });
    const failing = store.write((tx) => {
      broker.notify(tx, { id: "id-hm1nd", name: "hm1nd" }, { event: "killed", agent: "ada", n: 2 });
      throw new Error("the fact did not happen");
    });
    await expect(failing).rejects.toThrow("the fact did not happen");
    expect(waiting("hm1nd").map(({ n }) => n)).toEqual([1]);
    expect(broker.unread("id-hm1nd")).toBe(1);
  });

  test("an agent whose inbox is full may not ask for anything whose answer arrives there", async () => {
    await fill("ada");
    const questions = new Questions({ store, feed, broker, directory, onUnexpected });
    await expect(questions.ask("id-ada", { question: "why?" })).rejects.toMatchObject({ code: "rate_limited" });
    expect(questions.list({ all: true }).questions).toEqual([]);
    questions.stop();
  });
});

describe("limits of senders", () => {
  test("in a broadcast, a full inbox refuses only its own message", async () => {
    await fill("bob");
    const answer = await broker.send(operator, { to: "*", body: "all", client_id: "k" });
    expect(answer.sent.map(({ to }) => to)).toEqual(["ada", "hm1nd"]);
    expect(answer.refused).toMatchObject([{ to: "bob", error: expect.stringContaining("is full") }]);
    // A repeated send gives the same answer for bob.
    const again = await broker.send(operator, { to: "*", body: "all", client_id: "k" });
    expect(again).toMatchObject({ sent: answer.sent, duplicate: true, refused: [{ to: "bob" }] });
    await expect(broker.send(operator, { to: "bob", body: "x" })).rejects.toMatchObject({ code: "rate_limited" });
  });

  test.each([
    ["its recipient was destroyed", () => (principals = principals.filter(({ name }) => name !== "bob"))],
    ["its sender was destroyed", () => (principals = principals.filter(({ name }) => name !== "ada"))],
    ["the configuration no longer allows it", () => (principals = principals.map((one) => ({ ...one, allowed: [] })))],
  ])("a repeated send of a stored message is answered although %s", async (_, happens) => {
    const draft = { to: "bob", body: "x", client_id: "k" };
    const first = await broker.send({ id: "id-ada" }, draft);
    happens();
    const again = await broker.send({ id: "id-ada" }, draft);
    expect(again).toMatchObject({ duplicate: true, sent: [{ id: first.sent[0]?.id }], refused: [] });
  });

  test("a repeated send of a stored message does not use up the sender's rate", async () => {
    broker.stop();
    broker = open({ perSecond: 1, burst: 1 });
    const draft = { to: "bob", body: "x", client_id: "k" };
    const first = await broker.send({ id: "id-ada" }, draft);
    expect(await broker.send({ id: "id-ada" }, draft)).toMatchObject({ duplicate: true, sent: [{ id: first.sent[0]?.id }] });
  });
});
