import { HiveError } from "../../src/wire/error.ts";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AgentView } from "../../src/wire/agent.ts";
import type { HiveEvent } from "../../src/wire/event.ts";
import type { MessageView } from "../../src/wire/message.ts";
import { anAgent, anOverBudget, aMessage, aState } from "../lib/fixtures.ts";
import { cliInside } from "../lib/cli-inside.ts";
import { eventsOf, StubHost } from "../lib/stub-host.ts";

/** `send --wait`, for every way in which a message ends. The daemon's stream stays open: only the verb can end the wait. */

let host: StubHost;
beforeAll(async () => {
  host = await new StubHost().start();
});
afterAll(() => host.dispose());
const hivectl = (...words: string[]) => cliInside("--socket", host.socket, ...words);

const question = (more: Partial<MessageView>): HiveEvent => {
  const message = aMessage("operator", "scout", "how are things?", { id: 12, seq: 12, chain: 12, state: "queued", ...more });
  return { kind: "message", seq: message.seq, message };
};
const answer = (body: string, to: number, from = "scout"): HiveEvent => ({
  kind: "message",
  seq: 90,
  message: aMessage(from, "operator", body, { id: 90, seq: 90, in_reply_to: to }),
});
const agent = (more: Partial<AgentView>): HiveEvent => ({ kind: "agent", agent: anAgent("scout", more) });

beforeEach(() => {
  host.calls = [];
  host.answers = {
    send: { sent: [{ id: 12, to: "scout", state: "queued" }], duplicate: false, refused: [] },
    inbox: { messages: [], unread: 0, read_up_to: 0 },
    mark_read: { unread: 0 },
  };
});

test("an answer is printed, and events before it do not end the wait", async () => {
  const events = [agent({ state: "thinking" }), question({ state: "leased" }), answer("for another", 11), answer("fine", 12)];
  host.answers.watch = () => eventsOf(events);
  // As a program: that its stream is still open does not keep the process from its end.
  expect(await host.hivectl("send", "scout", "hi", "--wait")).toEqual({ code: 0, out: "fine\n", err: "" });
  const { out } = await hivectl("send", "scout", "hi", "--wait", "--json");
  expect(JSON.parse(out)).toMatchObject({ message: { body: "fine", in_reply_to: 12 } });
});

test("a printed answer is read, and an unread message before it stays unread", async () => {
  host.answers.watch = () => eventsOf([answer("fine", 12)]);
  const unread = (...ids: number[]) => ids.map((id) => aMessage("scout", "operator", "hello", { id }));
  const marked = async (messages: MessageView[]): Promise<unknown[]> => {
    host.answers.inbox = { messages, unread: messages.length, read_up_to: 0 };
    host.calls = [];
    await hivectl("send", "scout", "hi", "--wait");
    return host.calls.filter(({ name }) => name === "mark_read").map(({ input }) => input);
  };
  expect(await marked(unread(90))).toEqual([{ up_to: 90 }]);
  expect(await marked(unread(90, 95))).toEqual([{ up_to: 90 }]);
  expect(await marked(unread(80, 90))).toEqual([]);
});

test("a viewer reads the inbox and leaves no mark", async () => {
  const messages = [aMessage("scout", "operator", "hello", { id: 90 })];
  host.answers.inbox = { messages, unread: 1, read_up_to: 0 };
  host.answers.mark_read = () => new HiveError("forbidden", '"mark_read" takes the role operator');
  expect(await hivectl("inbox")).toMatchObject({ code: 0, out: expect.stringContaining("hello") as string, err: "" });
  host.answers.mark_read = () => new HiveError("disk_full", "no room");
  expect(await hivectl("inbox")).toMatchObject({ code: 1, err: expect.stringContaining("no room") as string });
});

test("a message to an agent that takes none says so, with what to do; one to a busy agent is queued", async () => {
  const sendTo = async (more: Partial<AgentView>): Promise<string> => {
    host.answers.state = { state: aState({ agents: [anAgent("scout", more)] }) };
    return (await hivectl("send", "scout", "hi")).out;
  };
  expect(await sendTo({ state: "offline", running: false })).toBe(
    "#12 to scout: queued; it is stopped; `npx hivectl start scout`\n",
  );
  expect(await sendTo({ state: "paused", paused: true })).toContain("it is paused; `npx hivectl resume scout`");
  expect(await sendTo({ state: "thinking" })).toBe("#12 to scout: queued\n");
  expect(await sendTo({ state: "rate_limited" })).toBe("#12 to scout: queued\n");
  expect(await sendTo({ state: "rate_limited", over_budget: true })).toBe(
    "#12 to scout: queued; it is over budget; `npx hivectl budget raise scout`\n",
  );
});

test("an agent that the budget of the hive stops is named with the verb that raises that", async () => {
  const scout = anAgent("scout", { state: "rate_limited", over_budget: true });
  const { hive } = aState();
  const over = { ...anOverBudget("scout"), scope: "hive" as const, agent: undefined };
  host.answers.watch = () => eventsOf([question({}), { kind: "agent", agent: scout }]);
  host.answers.state = { state: aState({ agents: [scout], hive: { ...hive, over_budget: [over] } }) };
  expect(await hivectl("send", "scout", "hi", "--wait")).toMatchObject({
    code: 5,
    err: expect.stringContaining("the hive is over budget; `npx hivectl budget raise --hive`") as string,
  });
});

describe.each<[string, HiveEvent[], string, string]>([
  [
    "is dead",
    [question({ state: "dead", reason: "it crashes", failures: 5 })],
    "dead",
    "it is dead: it crashes; `npx hivectl retry 12`",
  ],
  [
    "is dropped",
    [question({ state: "dropped", reason: "cancelled by the operator" })],
    "dropped",
    "it was dropped: cancelled by",
  ],
  [
    "is held",
    [question({ state: "held", reason: "the chain has 33 hops" })],
    "held",
    "it is held: the chain has 33 hops; `npx hivectl let-go 12`",
  ],
  [
    "is done without an answer",
    [question({ state: "leased" }), question({ state: "done" })],
    "done",
    "its turn ended without an answer",
  ],
  ["waits for a paused agent", [agent({ state: "paused", paused: true })], "queued", "it is paused; `npx hivectl resume scout`"],
  [
    "waits for a stopped agent",
    [agent({ state: "offline", running: false })],
    "queued",
    "it is stopped; `npx hivectl start scout`",
  ],
  [
    "waits for one that has failed",
    [agent({ state: "failed", state_reason: "parked" })],
    "queued",
    "it has failed: parked; `npx hivectl start scout`",
  ],
  [
    "waits for one over its budget",
    [agent({ state: "rate_limited", over_budget: true, resumes_at: "2030-01-02T00:00:00.000Z" })],
    "queued",
    "it is over budget until 2030-01-0",
  ],
  [
    "comes back from an agent that went over its budget in its turn",
    [
      question({ state: "leased" }),
      agent({ state: "rate_limited", over_budget: true, last_turn: undefined }),
      question({ state: "queued", seq: 14 }),
    ],
    "queued",
    "it is over budget; `npx hivectl budget raise scout`",
  ],
  ["waits for one that is destroyed", [agent({ destroyed: true })], "queued", "it was destroyed"],
])("a message that %s", (_what, events, state, reason) => {
  beforeEach(() => {
    const last = events.findLast((one) => one.kind === "agent");
    host.answers.watch = () => eventsOf([question({}), ...events]);
    host.answers.state = { state: aState({ agents: [last?.agent ?? anAgent("scout")] }) };
  });

  test("ends the wait with its state, the reason and exit code 5", async () => {
    const waiting = ["send", "scout", "hi", "--wait"];
    const text = await hivectl(...waiting);
    const json = await hivectl(...waiting, "--json");
    expect(text).toMatchObject({ code: 5, out: "" });
    expect(text.err).toContain(`hivectl: #12 to scout has no answer: `);
    expect(text.err).toContain(reason);
    expect(json.code).toBe(5);
    expect(JSON.parse(json.out)).toMatchObject({ ok: false, code: "unanswered", id: 12, to: "scout", state });
    expect(`hivectl: ${(JSON.parse(json.out) as { error: string }).error}\n`).toBe(text.err);
  });
});

test("the wait continues for an agent that restarts, is deployed or restarts automatically", async () => {
  const coming = [
    agent({ state: "failed", resumes_at: "2030-01-01T00:00:00.000Z" }),
    agent({ state: "offline", running: false, deploying: 7 }),
    agent({ state: "offline", running: false, state_reason: "stopping" }),
    // Between stop and start of a restart. By the time the verb asks, it runs again.
    agent({ state: "offline", running: false }),
    answer("back again", 12),
  ];
  host.answers.watch = () => eventsOf(coming);
  host.answers.state = { state: aState({ agents: [anAgent("scout", { state: "idle" })] }) };
  expect(await hivectl("send", "scout", "hi", "--wait")).toMatchObject({ code: 0, out: "back again\n" });
});

test("with several recipients the verb waits for each answer, and reports those without one", async () => {
  host.answers.send = {
    sent: [
      { id: 12, to: "ada", state: "queued" },
      { id: 13, to: "scout", state: "queued" },
    ],
    duplicate: false,
    refused: [],
  };
  host.answers.watch = () => eventsOf([answer("here", 12, "ada"), question({ id: 13, state: "done" })]);
  const text = await hivectl("send", "*", "report", "--wait");
  expect(text).toMatchObject({ code: 4, out: "ada: here\n" });
  expect(text.err).toContain("#13 to scout has no answer: its turn ended without an answer");
  const { out, code } = await hivectl("send", "*", "report", "--wait", "--json");
  expect(code).toBe(4);
  expect(JSON.parse(out)).toMatchObject({ ok: false, code: "partial", messages: [{ body: "here" }], unanswered: [{ id: 13 }] });
});

test("--timeout ends it with 6, in words and as JSON", async () => {
  host.answers.watch = () => eventsOf([question({})]);
  const waiting = ["send", "scout", "hi", "--wait", "--timeout", "0.5s"];
  const [text, json] = await Promise.all([host.hivectl(...waiting), host.hivectl(...waiting, "--json")]);
  expect(text).toMatchObject({ code: 6, out: "", err: expect.stringMatching(/^hivectl: not done after 0.5 s/) as string });
  expect(json.code).toBe(6);
  expect(JSON.parse(json.out)).toMatchObject({ ok: false, code: "timeout" });
  host.answers.compact = () => new Promise(() => {});
  expect(await host.hivectl("compact", "scout", "--timeout", "0.5s")).toMatchObject({ code: 6, out: "" });
  expect(await hivectl("send", "scout", "hi", "--timeout", "soon")).toMatchObject({ code: 2, out: "" });
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s ends it with %i, and prints that the answer will still arrive", async (signal, code) => {
  host.answers.watch = () => eventsOf([question({})]);
  const words = "interrupted: the answer will still arrive in your inbox; `npx hivectl messages` shows the state of #12";
  const text = await host.interrupted(signal, "watch", "send", "scout", "hi", "--wait");
  expect(text).toEqual({ code, out: "", err: `hivectl: ${words}\n` });
  const json = await host.interrupted(signal, "watch", "send", "scout", "hi", "--wait", "--json");
  expect(json.code).toBe(code);
  expect(JSON.parse(json.out)).toEqual({ ok: false, error: words, code: "interrupted" });
});
