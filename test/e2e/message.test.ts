import { afterAll, beforeAll, expect, test } from "vitest";
import { TestHive } from "../lib/hive.ts";

let hive: TestHive;
beforeAll(async () => {
  hive = await new TestHive().start();
});
afterAll(() => hive.dispose());

test("a message to the manager runs a real turn in its cage and is answered", async () => {
  const { sent } = await hive.call("send", { to: "hm1nd", body: "hello" });
  const question = sent[0]?.id ?? 0;
  const answer = await hive.untilMessage((message) => message.to === "operator" && message.in_reply_to === question);
  expect(answer).toMatchObject({ from: "hm1nd", state: "done", hops: 1 });
  expect(answer.body).toContain("You said: “hello”");

  // Acknowledged once its turn has ended, and every event of the turn is stored, in order.
  await hive.untilMessage((message) => message.id === question && message.state === "done");
  const { events } = await hive.call("turn_events", { agent: "hm1nd" });
  const types = events.map(({ event }) => event.type);
  expect(types.slice(0, 5)).toEqual(["turn_start", "session", "thinking", "text", "tool_use"]);
  // The CLI may start the first tool before the second call arrives: each result follows its own call.
  expect(types.slice(4, 8).sort()).toEqual(["tool_result", "tool_result", "tool_use", "tool_use"]);
  for (const [at, { event }] of events.entries()) {
    if (event.type !== "tool_result") continue;
    expect(events.slice(0, at).some(({ event: call }) => call.type === "tool_use" && call.id === event.id)).toBe(true);
  }
  expect(types.slice(8)).toEqual(["text", "turn_end"]);
  expect(events.at(-1)?.event).toMatchObject({ type: "turn_end", turn: 1, ok: true, reason: "completed" });
  const agent = await hive.untilAgent("hm1nd", (one) => one.state === "idle");
  expect(agent).toMatchObject({ status_text: "answering operator", unread: 0, last_turn: { turn: 1, result: "ok" } });
  // Tokens and cost are the gateway's figures, not the cage's report.
  expect(agent.tokens_today).toBeGreaterThan(0);
  expect(agent.cost_today_usd).toBeGreaterThan(0);
});
