import Database from "better-sqlite3";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { QuestionView } from "../../src/wire/agent.ts";
import { TestHive } from "../lib/hive.ts";

/** Questions to the operator that end while no daemon runs. The other ends are tested in `src/messages/questions.test.ts`. */

const RULES = [
  {
    when: { text: "^ask$" },
    steps: [{ tools: [{ name: "ask_operator", input: { question: "words?", ttl_seconds: 3_600 } }] }, { say: "asked" }],
  },
  {
    when: { from: "system", text: '"event":"operator_answered"' },
    steps: [{ tools: [{ name: "send", input: { to: "operator", body: "{{agent}} heard {{body}}" } }] }, { say: "heard" }],
  },
  { when: { text: "." }, steps: [{ say: "ok" }] },
];
let hive: TestHive;
beforeAll(async () => {
  hive = await new TestHive().play(RULES).start();
  await hive.call("spawn", { name: "ada" });
});
afterAll(() => hive.dispose());

/** Makes an agent ask. Resolves with the question once the operator sees it. */
async function asked(agent: string): Promise<QuestionView> {
  const { seq } = (await hive.call("state", { messages: 0 })).state;
  await hive.call("send", { to: agent, body: "ask" });
  const events = await hive.watch((event) => event.kind === "question" && event.question.agent === agent, {
    after: seq,
    kinds: ["question"],
  });
  const last = events.at(-1);
  if (last?.kind !== "question") throw new Error("unreachable");
  expect(last.question).toMatchObject({ state: "open", question: "words?" });
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

test("one that expires without a daemon is notified by the next, also to a stopped asker once it starts", async () => {
  const [manager, ada] = [await asked("hm1nd"), await asked("ada")];
  await hive.call("stop", { scope: { agent_names: ["ada"] } });
  await hive.stop();
  const db = new Database(join(hive.stateDir, "hive.db"));
  db.prepare("UPDATE questions SET expires_at = 1 WHERE state = 'open'").run();
  db.close();
  await hive.start();
  expect(await heard("hm1nd", manager.id)).toMatchObject({ state: "expired" });
  await hive.untilAgent("ada", (agent) => agent.unread === 1 && agent.state === "offline");
  await hive.call("start", { scope: { agent_names: ["ada"] } });
  expect(await heard("ada", ada.id)).toMatchObject({ state: "expired" });
  // Each was notified once.
  const { messages } = await hive.call("messages", { limit: 500 });
  for (const { id } of [manager, ada])
    expect(messages.filter((one) => one.from === "system" && one.body?.includes(`"question_id":${id},`) === true)).toHaveLength(
      1,
    );
});
