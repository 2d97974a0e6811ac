import { afterAll, beforeAll, expect, test } from "vitest";
import { TestHive, isRunning, until } from "../lib/hive.ts";

/** Idle agents cost nothing: the whole cage ends, and starts with the next message. */

const RULES = [
  { when: { from: "system" }, steps: [{ say: "noted" }] },
  {
    agents: ["ada"],
    when: { text: "." },
    steps: [
      { tools: [{ name: "mcp__echo__shout", input: { text: "hello" } }], capture: { out: "([A-Z]+)" } },
      { tools: [{ name: "send", input: { to: "operator", body: "{{out}}" } }] },
      { say: "done" },
    ],
  },
  {
    when: { text: "." },
    steps: [{ tools: [{ name: "send", input: { to: "operator", body: "heard {{body}}" } }] }, { say: "done" }],
  },
];
let hive: TestHive;
beforeAll(async () => {
  hive = await new TestHive({ HIVE_SLEEP_AFTER_SECONDS: "0.5" }).play(RULES).start();
});
afterAll(() => hive.dispose());

test("an idle cage sleeps without a process, counts as running, and wakes with the next message in its session", async () => {
  await hive.call("send", { to: "hm1nd", body: "one" });
  await hive.untilMessage((message) => message.body === "heard one");
  const pids = (await hive.cage("hm1nd")).all();
  const asleep = await hive.untilAgent("hm1nd", (agent) => agent.asleep);
  expect(asleep).toMatchObject({ running: true, state: "idle" });
  await until(() => pids.every((pid) => !isRunning(pid)));
  await hive.call("send", { to: "hm1nd", body: "two" });
  await hive.untilMessage((message) => message.body === "heard two");
  // The same session continues.
  const { events } = await hive.call("turn_events", { agent: "hm1nd" });
  const sessions = events.flatMap(({ event }) => (event.type === "session" ? [event.session_id] : []));
  expect(new Set(sessions).size).toBe(1);
});

test("messages that race the sleep are all answered, once each and in order", async () => {
  const count = 3;
  for (let n = 0; n < count; n++) {
    // The broker has just decided: the old harness is about to end, and there is no new one yet.
    const dozes = hive.untilAgent("hm1nd", (agent) => agent.asleep);
    await dozes;
    await hive.call("send", { to: "hm1nd", body: `m${n}` });
    await hive.untilMessage((message) => message.body === `heard m${n}`);
  }
  const { messages } = await hive.call("inbox", { limit: 100 });
  const raced = messages.flatMap(({ body }) => (body !== undefined && /^heard m\d$/.test(body) ? [body] : []));
  expect(raced).toEqual(Array.from({ length: count }, (_, n) => `heard m${n}`));
  const { messages: all } = await hive.call("messages", { limit: 100 });
  expect(all.filter((message) => message.to === "hm1nd" && message.redelivered)).toEqual([]);
});

test("a resident server keeps its cage awake, and its tools work", async () => {
  const script = `
    const say = (line) => process.stdout.write(JSON.stringify(line) + "\\n");
    let text = "";
    process.stdin.on("data", (chunk) => {
      text += chunk;
      for (let at; (at = text.indexOf("\\n")) >= 0; text = text.slice(at + 1)) {
        const { id, method, params } = JSON.parse(text.slice(0, at));
        if (id === undefined) continue;
        if (method === "initialize") say({ jsonrpc: "2.0", id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "echo", version: "1" } } });
        else if (method === "tools/list") say({ jsonrpc: "2.0", id, result: { tools: [{ name: "shout", description: "loud", inputSchema: { type: "object", properties: { text: { type: "string" } } } }] } });
        else if (method === "tools/call") say({ jsonrpc: "2.0", id, result: { content: [{ type: "text", text: params.arguments.text.toUpperCase() }] } });
        else say({ jsonrpc: "2.0", id, error: { code: -32601, message: "no such method" } });
      }
    });`;
  await hive.call("spawn", {
    name: "ada",
    config: { extraMcpServers: { echo: { command: "/opt/hive/bin/node", args: ["-e", script], resident: true } } },
  });
  await hive.untilAgent("hm1nd", (agent) => agent.asleep);
  expect((await hive.call("state", {})).state.agents.find((agent) => agent.name === "ada")).toMatchObject({
    asleep: false,
    running: true,
  });
  await hive.call("send", { to: "ada", body: "say it" });
  await hive.untilMessage((message) => message.to === "operator" && message.body === "HELLO");
});
