import { expect, test } from "vitest";
import { readConversation } from "./conversation.ts";

const wake = (body: string) => ({ type: "text", text: `Message from operator\n\n${body}` });
const result = (text: string) => ({ type: "tool_result", tool_use_id: "t", content: [{ type: "text", text }] });
const call = { role: "assistant", content: [{ type: "tool_use", id: "t", name: "Bash", input: {} }] };
const interrupted = { type: "text", text: "[Request interrupted by user for tool use]" };
const user = (...content: object[]) => ({ role: "user", content });
const read = (...messages: { role: string; content: unknown }[]) => readConversation({ messages });

test("a turn's step is the number of its tool rounds", () => {
  expect(read(user(wake("slow")))).toMatchObject({ at: 0, body: "slow", results: [] });
  const reminder = { type: "text", text: "<system-reminder>tasks</system-reminder>" };
  expect(read(user(wake("slow")), call, user(result("one"), reminder), call, user(result("two")))).toMatchObject({
    at: 0,
    results: ["one", "two"],
  });
});

test("after cancelled turns the next one begins at its first step, however the CLI joins its prompt to what was cancelled", () => {
  const cancelled = [user(wake("slow")), call];
  const first = { body: "slow", sender: "operator", results: [], kind: "turn" };
  expect(read(...cancelled, user(result("stopped"), interrupted, wake("slow")))).toMatchObject({ ...first, at: 2 });
  expect(read(...cancelled, user(result("stopped"), interrupted), user(wake("slow")))).toMatchObject({ ...first, at: 3 });
  const twice = [...cancelled, user(result("stopped"), interrupted, wake("slow")), call];
  expect(read(...twice, user(result("stopped"), wake("slow")))).toMatchObject({ ...first, at: 4 });
  expect(read(...twice, user(result("done")))).toMatchObject({ ...first, at: 2, results: ["done"] });
});

test("the news of an agent's repositories is no part of the message, and a body that looks like news is", () => {
  const news = "News of your repositories:\n- web: main moved to abc\n- web: change 3 is merged\n\n";
  const asked = (text: string) => readConversation({ messages: [{ role: "user", content: [{ type: "text", text }] }] });
  expect(asked(`${news}Message from ada\n\nhello`)).toMatchObject({ sender: "ada", body: "hello", kind: "turn" });
  expect(asked(`Message from ada\n\n${news}hello`)).toMatchObject({ sender: "ada", body: `${news}hello` });
});
