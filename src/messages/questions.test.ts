import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openStoreIn } from "../../test/lib/store.ts";
import { onUnexpected } from "../../test/lib/unexpected.ts";
import { Feed } from "../eventlog/feed.ts";
import type { QuestionRow } from "../store/questions.ts";
import type { Store } from "../store/store.ts";
import {
  MAX_BODY_BYTES,
  MAX_LISTING_BYTES,
  MAX_OPTION_PREVIEW_BYTES,
  MAX_QUESTION_CHARS,
  MAX_QUESTION_PREVIEW_BYTES,
  MAX_SNAPSHOT_LIST_BYTES,
} from "../wire/limits.ts";
import { operations } from "../wire/operations.ts";
import { Broker } from "./broker.ts";
import type { Served } from "./waiters.ts";
import type { Directory } from "./directory.ts";
import { Questions } from "./questions.ts";
import { openBus } from "../../test/lib/bus.ts";

const ada = { id: "id-ada", name: "ada" };
const directory: Directory = { byName: () => ada, byId: () => ada, live: () => [ada], nameOf: () => ada.name };
let folder: string;
let store: Store;
let broker: Broker;
let feed: Feed;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "questions-"));
  store = openStoreIn(folder);
  feed = new Feed(
    () => [],
    () => store.seq,
  );
  broker = new Broker({ store, feed, directory, bus: openBus(), maxHops: 3, leaseGraceMs: 60_000, onUnexpected });
});
afterEach(() => {
  broker.stop();
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

test("a question that is answered at the moment of its expiry does not stop others from expiring", async () => {
  const questions = new Questions({ store, feed, broker, directory, onUnexpected });
  const answered = await questions.ask(ada.id, { question: "first?", ttl_seconds: 3_600 });
  const expired = await questions.ask(ada.id, { question: "second?", ttl_seconds: 3_600 });
  // What a timer reads just before the answer is stored.
  const found = store.questions.expiring().map((row) => ({ ...row, expires_at: Date.now() }));
  await questions.answer({ id: answered.id, text: "yes" }, "operator");
  questions.stop();

  const ended = new Promise<unknown>((resolve) => {
    feed.subscribe({}, ({ event }) => {
      if (event.kind === "question" && event.question.state === "expired") resolve(event.question.id);
      return true;
    });
  });
  // Read when the timer is set and when it fires.
  const reads = [found, found];
  const expiring = (): QuestionRow[] => reads.shift() ?? store.questions.expiring();
  const late = new Questions({
    store: { ...store, questions: { ...store.questions, expiring } },
    feed,
    broker,
    directory,
    onUnexpected,
  });
  late.start();
  expect(await ended).toBe(expired.id);
  late.stop();
  expect(store.questions.byId(answered.id)).toMatchObject({ state: "answered", answer: "yes" });
});

test("an agent may have fifty open questions, and an answer makes room", async () => {
  const questions = new Questions({ store, feed, broker, directory, onUnexpected });
  const asked = [];
  for (let n = 0; n < 50; n++) asked.push(await questions.ask(ada.id, { question: `${n}?` }));
  await expect(questions.ask(ada.id, { question: "another?" })).rejects.toThrow(/50 of your questions are open already/);
  await questions.answer({ id: asked[0]?.id ?? 0, text: "yes" }, "operator");
  await questions.ask(ada.id, { question: "another?" });
  expect(store.questions.openOf(ada.id)).toHaveLength(50);
  questions.stop();
});

/** The most that an agent may ask, of what takes most bytes in JSON. */
const WORST = {
  question: "\u0001".repeat(MAX_QUESTION_CHARS),
  options: Array.from({ length: 16 }, (_, n) => `${n}`.padEnd(1000, "\u0002")),
};
const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

test("a long question is a beginning in lists and events, and whole by its id", async () => {
  const questions = new Questions({ store, feed, broker, directory, onUnexpected });
  const events: unknown[] = [];
  feed.subscribe({}, ({ event }) => event.kind === "question" && events.push(event.question) > 0);
  const { id } = await questions.ask(ada.id, WORST);
  const [listed] = questions.list({}).questions;
  for (const view of [listed, questions.list({ all: true }).questions[0], events[0]]) {
    expect(view).toMatchObject({ id, cut: true, bytes: MAX_QUESTION_CHARS + 16_000 });
    expect(bytesOf(view)).toBeLessThan(MAX_QUESTION_PREVIEW_BYTES + 16 * (MAX_OPTION_PREVIEW_BYTES + 3) + 500);
  }
  expect(questions.whole(id)).toMatchObject(WORST);
  expect(questions.whole(id)).not.toHaveProperty("cut");
  // Answered by the whole text of an option.
  const { answer } = await questions.answer(
    { id, options: [WORST.options[1] ?? ""], text: "\u0003".repeat(MAX_QUESTION_CHARS) },
    "operator",
  );
  expect(answer?.startsWith("1\u0002")).toBe(true);
  expect(questions.whole(id).answer).toHaveLength(1000 + 1 + MAX_QUESTION_CHARS);
  const notice = await new Promise<Served>(broker.next(ada.id, "i-1", new AbortController().signal));
  expect("message" in notice && Buffer.byteLength(notice.message.body)).toBeLessThanOrEqual(MAX_BODY_BYTES);
  questions.stop();
});

test("a list of questions that reaches its byte limit ends early, and the next one continues there", async () => {
  const questions = new Questions({ store, feed, broker, directory, onUnexpected });
  const asked: number[] = [];
  for (let n = 0; n < 3; n++)
    for (let of = 0; of < 50; of++) asked.push((await questions.ask(`id-${n}`, { ...WORST, question: `${of}?` })).id);
  for (const [bytes, pages] of [
    [MAX_SNAPSHOT_LIST_BYTES, 3],
    [MAX_LISTING_BYTES, 1],
  ] as const) {
    const seen: number[] = [];
    for (let n = 0, after: number | undefined; ; n++) {
      const part = questions.list({ after }, bytes);
      expect(bytesOf(part.questions)).toBeLessThanOrEqual(bytes + 1000);
      seen.push(...part.questions.map(({ id }) => id));
      if (part.more !== true) {
        expect(n + 1).toBe(pages);
        break;
      }
      after = part.questions.at(-1)?.id;
    }
    expect(seen).toEqual(asked);
  }
  questions.stop();
});

test("a question with its options has a bound in all", () => {
  const { input } = operations.ask_operator;
  expect(input.safeParse(WORST).success).toBe(true);
  const option = "x".repeat(MAX_QUESTION_CHARS);
  const answer = input.safeParse({ question: "which?", options: [`1${option}`.slice(1), `2${option}`.slice(0, -1), option] });
  expect(answer.error?.issues[0]?.message).toContain("bytes together");
  expect(input.safeParse({ question: "日".repeat(MAX_QUESTION_CHARS) }).success).toBe(true);
  expect(input.safeParse({ question: "日".repeat(MAX_QUESTION_CHARS), options: ["a"] }).success).toBe(false);
});

test("destroying an agent closes its open questions, and those of others stay", async () => {
  const questions = new Questions({ store, feed, broker, directory, onUnexpected });
  const gone = await questions.ask(ada.id, { question: "which one?" });
  const other = await questions.ask("id-bob", { question: "me?" });
  await questions.closeOf(ada.id);
  expect(store.questions.byId(gone.id)).toMatchObject({ state: "cancelled" });
  expect(questions.list({}).questions.map(({ id }) => id)).toEqual([other.id]);
  questions.stop();
});

test("a hive that starts closes questions whose agent was destroyed before", async () => {
  const questions = new Questions({ store, feed, broker, directory, onUnexpected });
  const { id } = await questions.ask(ada.id, { question: "which one?" });
  questions.stop();
  const closed = new Promise<unknown>((resolve) => {
    feed.subscribe({}, ({ event }) => (event.kind === "question" && resolve(event.question), true));
  });
  const later = new Questions({ store, feed, broker, directory: { ...directory, byId: () => undefined }, onUnexpected });
  later.start();
  expect(await closed).toMatchObject({ id, state: "cancelled" });
  later.stop();
});

describe("the end of a question", () => {
  const bob = { id: "id-bob", name: "bob" };
  const nameOf = (id: string): string => (id === bob.id ? bob.name : ada.name);
  const both: Directory = { ...directory, byId: (id) => (id === bob.id ? bob : ada), live: () => [ada, bob], nameOf };
  let questions: Questions;
  let now: number;
  beforeEach(() => {
    now = Date.now();
    questions = new Questions({ store, feed, broker, directory: both, onUnexpected, now: () => now });
  });
  afterEach(() => questions.stop());
  /** The next notice in an agent's inbox. */
  const notice = async ({ id }: { id: string }): Promise<unknown> => {
    const served = await new Promise<Served>(broker.next(id, "i-1", new AbortController().signal));
    return "message" in served ? JSON.parse(served.message.body) : served;
  };
  const end = { event: "operator_answered", question: "drinks?" };

  test.each([
    ["one of some options, with a text added", { options: ["tea", "milk"] }, { options: ["tea"], text: "green" }, "tea\ngreen"],
    ["any of some options", { options: ["tea", "milk"], multi: true }, { options: ["milk", "tea"] }, "milk\ntea"],
    ["free text", {}, { text: " as you like\nit " }, "as you like\nit"],
  ])("%s reaches the asker, and no other agent", async (_, input, answer, said) => {
    const { id } = await questions.ask(ada.id, { question: "drinks?", ...input });
    const other = await questions.ask(bob.id, { question: "drinks?" });
    await questions.answer({ id, ...answer }, "operator");
    expect(await notice(ada)).toEqual({ ...end, question_id: id, state: "answered", answer: said });
    expect(broker.hasMail(bob.id)).toBe(false);
    await questions.answer({ id: other.id, text: "none" }, "operator");
    expect(await notice(bob)).toEqual({ ...end, question_id: other.id, state: "answered", answer: "none" });
  });

  test("an answer that does not fit is refused with the reason, and the question stays open", async () => {
    const { id } = await questions.ask(ada.id, { question: "drinks?", options: ["tea", "milk"] });
    for (const [answer, words] of [
      [{ options: ["tea", "milk"] }, "takes one"],
      [{ options: ["cocoa"] }, "was not offered"],
      [{ text: "  " }, "choose an option or write an answer"],
    ] as const)
      await expect(questions.answer({ id, ...answer, options: [...(answer.options ?? [])] }, "operator")).rejects.toThrow(words);
    expect(questions.whole(id).state).toBe("open");
    expect(broker.hasMail(ada.id)).toBe(false);
  });

  test("is final: closed without an answer, or expired, it takes no answer any more", async () => {
    const closed = await questions.ask(ada.id, { question: "drinks?" });
    await questions.cancel(closed.id, "operator");
    expect(await notice(ada)).toEqual({ ...end, question_id: closed.id, state: "cancelled" });
    const late = questions.answer({ id: closed.id, text: "tea" }, "operator");
    await expect(late).rejects.toThrow(`question ${closed.id} is cancelled already`);

    const expiring = await questions.ask(bob.id, { question: "drinks?", ttl_seconds: 10 });
    expect(Date.parse(expiring.expires_at ?? "")).toBe(now + 10_000);
    now += 10_000;
    await questions.runOnce();
    expect(await notice(bob)).toEqual({ ...end, question_id: expiring.id, state: "expired" });
    await expect(questions.answer({ id: expiring.id, text: "tea" }, "operator")).rejects.toThrow("is expired already");
    expect(() => questions.cancel(expiring.id, "operator")).toThrow("is expired already");
  });
});
