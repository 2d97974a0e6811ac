import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { logIn, sharedBrowser } from "../lib/browser.ts";
import { TestHive } from "../lib/hive.ts";
import type { TurnEvent } from "../../src/wire/event.ts";

/** The ways in which a model fails, each with the real CLI, and the effect on the message and the agent. */

let hive: TestHive;
beforeAll(async () => {
  hive = await new TestHive({ HIVE_SCENARIOS: join(import.meta.dirname, "../../dev/scenarios/failures.json") }).start();
});
afterAll(() => hive.dispose());

/** The agent of the failures after which it goes on as before. The others have their own. */
const WORKER = "worker";
/** Sends the word to an agent, which is created if it does not exist. */
async function provoke(word: string, name = word): Promise<{ name: string; id: number }> {
  if (!(await hive.call("list", {})).agents.includes(name)) await hive.call("spawn", { name });
  const { sent } = await hive.call("send", { to: name, body: word });
  return { name, id: sent[0]?.id ?? 0 };
}
async function eventsOf(agent: string): Promise<TurnEvent[]> {
  return (await hive.call("turn_events", { agent, limit: 500 })).events.map(({ event }) => event);
}

test("overload: the CLI retries, notes say so, and the turn ends well", async () => {
  const { name, id } = await provoke("overload", WORKER);
  await hive.untilMessage((message) => message.id === id && message.state === "done");
  const events = await eventsOf(name);
  const begun = events.findIndex((event) => event.type === "turn_start" && event.message_id === id);
  const notes = events.slice(begun).filter((event) => event.type === "note");
  expect(notes.length).toBeGreaterThan(0);
  expect(JSON.stringify(notes)).toContain("529");
});

test("an outage parks the agent and counts against no message; the operator's resume retries at once", async () => {
  const { name, id } = await provoke("outage");
  const parked = await hive.untilAgent(name, (agent) => agent.resumes_at !== undefined);
  expect(parked.state_reason).toMatch(/529|overload/i);
  await hive.untilMessage(
    (message) => message.id === id && message.state === "queued" && message.redelivered && message.failures === 0,
  );
  const { seq } = (await hive.call("state", {})).state;
  await hive.call("set_paused", { name, paused: false });
  await hive.watch((event) => event.kind === "turn" && event.turn.agent === name && event.turn.event.type === "turn_start", {
    after: seq,
  });
});

test("a rate limit is a state with a countdown that the gateway has received", async () => {
  const { name, id } = await provoke("limit");
  const limited = await hive.untilAgent(name, (agent) => agent.state === "rate_limited");
  expect(Date.parse(limited.resumes_at ?? "") - Date.now()).toBeGreaterThan(10_000);
  await hive.untilMessage((message) => message.id === id && message.state === "queued" && message.failures === 0);
  // It holds every agent, so it has to end before another test asks the model.
  await hive.call("message_drop", { id });
  for (const agent of (await hive.call("list", {})).agents) await hive.call("set_paused", { name: agent, paused: false });
});

test("a missing login is a state of its own, and the manager is notified", async () => {
  const { name } = await provoke("login");
  const agent = await hive.untilAgent(name, (one) => one.state === "needs_login");
  expect(agent.needs_login).toBe(true);
  const told = await hive.untilMessage(
    (message) => message.from === "system" && message.body?.includes('"needs_login"') === true,
  );
  expect(JSON.parse(told.body ?? "")).toMatchObject({ event: "needs_login", agent: name });
});

test("a prompt that is too long is compacted once and retried", async () => {
  const { name, id } = await provoke("hello", WORKER);
  await hive.untilMessage((message) => message.id === id && message.state === "done");
  const { sent } = await hive.call("send", { to: name, body: "long" });
  await hive.untilMessage((message) => message.id === sent[0]?.id && message.state === "done");
  const types = (await eventsOf(name)).map((event) => event.type);
  expect(types).toContain("compacted");
  await hive.untilMessage((message) => message.from === name && message.body === "compacted");
});

test("an interrupted stream is written again: the page drops the partial text, and the whole is stored once", async () => {
  const resets = hive.watch((event) => event.kind === "delta" && event.delta.kind === "reset", { kinds: ["delta"] });
  const { name, id } = await provoke("cut", WORKER);
  await hive.untilMessage((message) => message.id === id && message.state === "done");
  await resets;
  const texts = (await eventsOf(name)).flatMap((event) => (event.type === "text" ? [event.text] : []));
  expect(texts.filter((text) => text.startsWith("This sentence"))).toEqual([
    "This sentence is cut in its middle the first time and whole the second.",
  ]);
});

test("a model that never answers can be cancelled, and so can a command that never ends", async () => {
  for (const word of ["hang", "sleep"]) {
    const { seq: after } = (await hive.call("state", { messages: 0 })).state;
    const { name, id } = await provoke(word, "stuck");
    await hive.watch(
      (event) =>
        event.kind === "turn" &&
        event.turn.agent === name &&
        event.turn.event.type === (word === "hang" ? "session" : "tool_use"),
      { after },
    );
    await hive.call("cancel", { name });
    await hive.untilMessage((message) => message.id === id && message.state === "dropped");
    await hive.untilAgent(name, (agent) => agent.state === "idle");
    const cage = await hive.cage(name);
    expect(cage.all().map((pid) => pid)).not.toContain(0);
  }
});

test("a loop of agents is found, its edges and its cost are on the page of the swarm, and it asks at the limit", async () => {
  const storm = await new TestHive({
    HIVE_LOOP_OUTPUT_TOKENS: "120",
    HIVE_SCENARIOS: join(import.meta.dirname, "../../dev/scenarios/storm.json"),
  }).start();
  try {
    await Promise.all(["ada", "bob"].map((name) => storm.call("spawn", { name })));
    await storm.call("send", { to: "ada", body: "storm bob" });
    const held = await storm.untilMessage((message) => message.state === "held");
    expect(held.reason).toMatch(/^the chain has used .* output tokens in \d+ rounds? without you/);
    const { loops, limit } = await storm.call("loops", {});
    expect(limit).toEqual({ usd: 1, output_tokens: 120 });
    expect(loops).toMatchObject([
      { chain: held.chain, held: true, agents: [expect.anything(), expect.anything(), expect.anything()] },
    ]);
    expect(loops[0]?.output_tokens).toBeGreaterThanOrEqual(120);
    expect(loops[0]?.agents[0]).toBe(loops[0]?.agents[2]);

    const { context, page, problems } = await logIn(await sharedBrowser(), storm);
    await page.goto(`${storm.home}/swarm`);
    const shown = page.getByRole("region", { name: "loops" });
    await shown.getByText("held: ").waitFor();
    expect(await page.locator(".edge.loop").count()).toBe(2);
    await shown.getByRole("button", { name: "let it go on" }).click();
    await storm.untilMessage((message) => message.state === "held" && message.id > held.id);
    await context.close();
    expect(problems).toEqual([]);
  } finally {
    await storm.dispose();
  }
});
