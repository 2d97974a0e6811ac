import Database from "better-sqlite3";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { QuestionView } from "../../src/wire/agent.ts";
import { TestHive } from "../lib/hive.ts";

/**
 * Questions to the operator through the real CLI: the asker, and no other agent, gets a turn with the end of its
 * question, whatever the end is.
 */

const ask = (word: string, input: object) => ({
  when: { text: `^${word}$` },
  steps: [{ tools: [{ name: "ask_operator", input: { question: `${word}?`, ...input } }] }, { say: "asked" }],
});
const RULES = [
  ask("pick", { options: ["tea", "coffee"] }),
  ask("pick-many", { options: ["milk", "sugar", "lemon"], multi: true }),
  ask("words", {}),
  ask("brief", { options: ["yes"], ttl_seconds: 10 }),
  ask("patient", { ttl_seconds: 3_600 }),
  {
    when: { from: "system", text: '"event":"operator_answered"' },
    steps: [{ tools: [{ name: "send", input: { to: "operator", body: "{{agent}} heard {{body}}" } }] }, { say: "heard" }],
  },
  { when: { text: "." }, steps: [{ say: "ok" }] },
];
let hive: TestHive;
beforeAll(async () => {
  hive = await new TestHive().play(RULES).start();
  await Promise.all([hive.call("spawn", { name: "ada" }), hive.call("spawn", { name: "bob" })]);
});
afterAll(() => hive.dispose());

/** Makes an agent ask. Resolves with the question once the operator sees it. */
async function asked(agent: string, word: string): Promise<QuestionView> {
  const { seq } = (await hive.call("state", { messages: 0 })).state;
  await hive.call("send", { to: agent, body: word });
  const events = await hive.watch((event) => event.kind === "question" && event.question.agent === agent, {
    after: seq,
    kinds: ["question"],
  });
  const last = events.at(-1);
  if (last?.kind !== "question") throw new Error("unreachable");
  expect(last.question).toMatchObject({ state: "open", question: `${word}?` });
  return last.question;
}
/** The end of the question as the asker reported it to the operator, from a turn of its own. */
async function heard(agent: string, id: number): Promise<Record<string, unknown>> {
  const start = `${agent} heard `;
  const message = await hive.untilMessage(
    ({ from, body }) => from === agent && body?.startsWith(start) === true && body.includes(`"question_id":${id},`),
  );
  return JSON.parse(message.body?.slice(start.length) ?? "") as Record<string, unknown>;
}

test("one of some options, with a text added", async () => {
  const { id, options, multi } = await asked("ada", "pick");
  expect({ options, multi }).toEqual({ options: ["tea", "coffee"], multi: false });
  await expect(hive.call("answer", { id, options: ["tea", "coffee"] })).rejects.toThrow("takes one");
  await expect(hive.call("answer", { id, options: ["cocoa"] })).rejects.toThrow("was not offered");
  await hive.call("answer", { id, options: ["tea"], text: "green" });
  const end = { event: "operator_answered", question_id: id, question: "pick?", state: "answered", answer: "tea\ngreen" };
  expect(await heard("ada", id)).toEqual(end);
});

test("any of some options, also by the manager; each asker gets only its own answer", async () => {
  const [ada, manager] = [await asked("ada", "pick-many"), await asked("hm1nd", "pick-many")];
  await hive.call("answer", { id: manager.id, options: ["lemon"] });
  await hive.call("answer", { id: ada.id, options: ["milk", "sugar"] });
  expect(await heard("ada", ada.id)).toMatchObject({ state: "answered", answer: "milk\nsugar" });
  expect(await heard("hm1nd", manager.id)).toMatchObject({ state: "answered", answer: "lemon" });
  for (const [agent, other] of [
    ["ada", manager.id],
    ["hm1nd", ada.id],
  ] as const) {
    const { messages } = await hive.call("messages", { agent, limit: 500 });
    expect(messages.filter((one) => one.to === agent && one.body?.includes(`"question_id":${other},`) === true)).toEqual([]);
  }
});

test("free text", async () => {
  const { id, options } = await asked("bob", "words");
  expect(options).toEqual([]);
  await expect(hive.call("answer", { id, text: "  " })).rejects.toThrow("choose an option or write an answer");
  await hive.call("answer", { id, text: "as you like\nit" });
  expect(await heard("bob", id)).toMatchObject({ state: "answered", answer: "as you like\nit" });
});

test("one that expires: the asker is notified, and a late answer is refused", async () => {
  const { id, expires_at: at } = await asked("ada", "brief");
  expect(Date.parse(at ?? "")).toBeGreaterThan(Date.now());
  const end = await heard("ada", id);
  expect(end).toEqual({ event: "operator_answered", question_id: id, question: "brief?", state: "expired" });
  await expect(hive.call("answer", { id, options: ["yes"] })).rejects.toThrow(`question ${id} is expired already`);
  await expect(hive.call("question_cancel", { id })).rejects.toMatchObject({ code: "conflict" });
});

test("one that is closed without an answer", async () => {
  const { id } = await asked("bob", "pick");
  await hive.call("question_cancel", { id });
  expect(await heard("bob", id)).toEqual({
    event: "operator_answered",
    question_id: id,
    question: "pick?",
    state: "cancelled",
  });
  await expect(hive.call("answer", { id, options: ["tea"] })).rejects.toThrow("is cancelled already");
});

test("one that expires without a daemon is notified by the next, also to a stopped asker once it starts", async () => {
  const [ada, bob] = [await asked("ada", "patient"), await asked("bob", "patient")];
  await hive.call("stop", { scope: { agent_names: ["bob"] } });
  await hive.stop();
  const db = new Database(join(hive.stateDir, "hive.db"));
  db.prepare("UPDATE questions SET expires_at = 1 WHERE state = 'open'").run();
  db.close();
  await hive.start();
  expect(await heard("ada", ada.id)).toMatchObject({ state: "expired" });
  await hive.untilAgent("bob", (agent) => agent.unread === 1 && agent.state === "offline");
  await hive.call("start", { scope: { agent_names: ["bob"] } });
  expect(await heard("bob", bob.id)).toMatchObject({ state: "expired" });
  // Each was notified once.
  const { messages } = await hive.call("messages", { limit: 500 });
  for (const { id } of [ada, bob])
    expect(messages.filter((one) => one.from === "system" && one.body?.includes(`"question_id":${id},`) === true)).toHaveLength(
      1,
    );
});
