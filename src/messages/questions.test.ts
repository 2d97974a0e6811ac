import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStoreIn } from "../../test/lib/store.ts";
import { onUnexpected } from "../../test/lib/unexpected.ts";
import { Feed } from "../eventlog/feed.ts";
import type { QuestionRow } from "../store/questions.ts";
import type { Store } from "../store/store.ts";
import { Broker } from "./broker.ts";
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
  await questions.answer({ id: answered.id, text: "yes" });
  questions.stop();

  const ended = new Promise<unknown>((resolve) => {
    feed.subscribe({}, ({ event }) => {
      if (event.kind === "question" && event.question.state === "expired") resolve(event.question.id);
      return true;
    });
  });
  // Read when the timer is set and when it fires.
  const looks = [found, found];
  const expiring = (): QuestionRow[] => looks.shift() ?? store.questions.expiring();
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
  await questions.answer({ id: asked[0]?.id ?? 0, text: "yes" });
  await questions.ask(ada.id, { question: "another?" });
  expect(store.questions.open()).toHaveLength(50);
  questions.stop();
});
