import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HiveEvent } from "../../src/wire/event.ts";
import { connectLines } from "../../src/rpc/client.ts";
import { TestHive } from "../lib/hive.ts";

/** Agents among themselves, and the operator's actions on them, over real cages. */

const PINGPONG = JSON.parse(readFileSync(join(import.meta.dirname, "../../dev/scenarios/pingpong.json"), "utf8")) as {
  rules: object[];
};
/** The agents that play it. */
const PLAYERS = ["ping", "pong"];

let hive: TestHive;
beforeAll(async () => {
  const answer = { tools: [{ name: "send", input: { to: "{{sender}}", body: "{{agent}} heard {{body}}" } }] };
  hive = await new TestHive()
    .play([
      ...PINGPONG.rules.map((rule) => ({ agents: PLAYERS, ...rule })),
      {
        when: { text: "^ask" },
        steps: [{ tools: [{ name: "ask_operator", input: { question: "tea?", options: ["yes", "no"] } }] }, { say: "asked" }],
      },
      {
        when: { text: "^take two" },
        steps: [
          { tools: [{ name: "recv", input: { wait: 60 } }], capture: { second: "second (\\w+)" } },
          { tools: [{ name: "send", input: { to: "operator", body: "got {{second}}" } }] },
          { say: "done" },
        ],
      },
      {
        when: { text: "^who" },
        steps: [
          { tools: [{ name: "list_agents" }], capture: { n: '"name":"(ada)"' } },
          { tools: [{ name: "send", input: { to: "operator", body: "I see {{n}}" } }] },
          { say: "done" },
        ],
      },
      { when: { text: "^work" }, steps: [{ tools: [{ name: "Bash", input: { command: "sleep 600" } }] }, { say: "done" }] },
      { when: { text: "^long" }, steps: [{ say: "one two three four five six seven eight nine ten", chunk_ms: 400 }] },
      { when: { from: "system" }, steps: [{ say: "noted" }] },
      { when: { text: "." }, steps: [answer, { say: "done" }] },
    ])
    .start();
});
afterAll(() => hive.dispose());

describe("two agents", () => {
  beforeAll(async () => {
    await Promise.all(PLAYERS.map((name) => hive.call("spawn", { name })));
  });
  afterAll(async () => {
    for (const name of PLAYERS) await hive.call("destroy", { name, purge: true });
  });

  test("talk through the broker and finish a task of six turns without the operator", async () => {
    await hive.call("send", { to: "ping", body: "go" });
    const end = await hive.untilMessage((message) => message.to === "operator");
    expect(end.body).toBe("ping holds ball 6: the game is over.");
    const { messages } = await hive.call("messages", {});
    const balls = messages.filter((message) => message.body?.startsWith("ball"));
    expect(balls.map((message) => `${message.from} ${message.body}`)).toEqual([
      "ping ball 1",
      "pong ball 2",
      "ping ball 3",
      "pong ball 4",
      "ping ball 5",
      "pong ball 6",
    ]);
    // One chain, one hop further each time.
    expect(balls.map((message) => message.hops)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(new Set(balls.map((message) => message.chain)).size).toBe(1);
    // Each agent's folder has only its own state.
    expect(readFileSync(join(await hive.folderOf("ping"), "state", "balls.txt"), "utf8")).toBe("ball 2\nball 4\n");
    expect(readFileSync(join(await hive.folderOf("pong"), "state", "balls.txt"), "utf8")).toBe("ball 1\nball 3\nball 5\n");
    // One turn for the start, one for each ball. The last message arrives before its own turn and the one before it
    // end.
    let turns = 0;
    const isTheirs = (event: HiveEvent): boolean => event.kind === "turn" && PLAYERS.includes(event.turn.agent);
    await hive.watch(
      (event) => isTheirs(event) && event.kind === "turn" && event.turn.event.type === "turn_end" && ++turns === 7,
      { after: 0, kinds: ["turn"] },
    );
  });
});

describe("lifecycle", () => {
  beforeAll(async () => {
    await hive.call("spawn", {
      name: "ada",
      description: "counts things",
      config: { model: "haiku" },
      instructions: "Be brief.",
    });
  });
  /** Sends ada a message that it answers slowly. Resolves with the message once it speaks. */
  async function speaking(body: string): Promise<number> {
    await hive.untilAgent("ada", (agent) => agent.state === "idle");
    const { sent } = await hive.call("send", { to: "ada", body });
    // The previous turn may still be speaking, so count only what comes after this message's turn has begun.
    let hasBegun = false;
    await hive.watch(
      (event) => {
        if (event.kind === "turn" && event.turn.event.type === "turn_start")
          hasBegun ||= event.turn.event.message_id === sent[0]?.id;
        return hasBegun && event.kind === "delta" && event.agent === "ada";
      },
      { after: 0, kinds: ["turn", "delta"] },
    );
    return sent[0]?.id ?? 0;
  }

  test("a spawned agent has its config, its prompt's parts, and its row", async () => {
    const { files } = await hive.call("config", { name: "ada" });
    expect(files.map((file) => file.path)).toEqual(["INSTRUCTIONS.md", "agent.json", "agent.nix", "flake.nix"]);
    expect(JSON.parse(files.find((file) => file.path === "agent.json")?.text ?? "")).toEqual({
      model: "haiku",
      description: "counts things",
    });
    const { agent_statuses: rows } = await hive.call("agent_status", {});
    expect(rows.find((row) => row.name === "ada")).toMatchObject({
      running: true,
      failed: false,
      needs_update: false,
      needs_login: false,
      pending_reminders: 0,
      paused: false,
      active_model: "haiku",
    });
    expect((await hive.call("list", {})).agents).toEqual(["hm1nd", "ada"]);
    expect((await hive.call("pending", {})).approvals).toEqual([]);
    const { urls } = await hive.call("urls", {});
    expect(urls.home).toBe(hive.home);
  });

  test("names that are taken, reserved or invalid are refused with the reason", async () => {
    await expect(hive.call("spawn", { name: "ada" })).rejects.toThrow("there is an agent ada already");
    for (const name of ["operator", "system", "manager", "hm1nd", "self", "all"])
      await expect(hive.call("spawn", { name })).rejects.toThrow(/reserved/);
  });

  test("the manager can list agents; an agent does not have the tool", async () => {
    await hive.call("send", { to: "hm1nd", body: "who is there" });
    await hive.untilMessage((message) => message.to === "operator" && message.body === "I see ada");
  });

  test("a question is answered with an option, and the asker gets the answer", async () => {
    await hive.call("send", { to: "ada", body: "ask me" });
    await hive.watch((event) => event.kind === "question" && event.question.state === "open");
    const { questions } = await hive.call("questions", {});
    const id = questions[0]?.id ?? 0;
    await expect(hive.call("answer", { id, options: ["maybe"] })).rejects.toThrow("was not offered");
    await expect(hive.call("answer", { id, options: ["yes", "no"] })).rejects.toThrow("takes one");
    await expect(hive.call("answer", { id })).rejects.toThrow("choose an option");
    await hive.call("answer", { id, options: ["yes"], text: "with milk" });
    await expect(hive.call("answer", { id, options: ["no"] })).rejects.toThrow("answered already");
    const told = await hive.untilMessage((message) => message.from === "system" && message.to === "ada");
    expect(JSON.parse(told.body ?? "")).toMatchObject({
      event: "operator_answered",
      question_id: id,
      state: "answered",
      answer: "yes\nwith milk",
    });
  });

  test("a question can be closed without an answer", async () => {
    await hive.call("send", { to: "ada", body: "ask again" });
    const events = await hive.watch(
      (event) => event.kind === "question" && event.question.state === "open" && event.question.agent === "ada",
      { after: (await hive.call("state", {})).state.seq },
    );
    const last = events.at(-1);
    const id = last?.kind === "question" ? last.question.id : 0;
    await hive.call("question_cancel", { id });
    expect((await hive.call("questions", { all: true })).questions.find((one) => one.id === id)).toMatchObject({
      state: "cancelled",
    });
  });

  test("recv takes a further message into the running turn, woken by the send", async () => {
    await hive.call("send", { to: "ada", body: "take two" });
    await hive.watch(
      (event) => event.kind === "turn" && event.turn.event.type === "tool_use" && event.turn.event.name === "mcp__hive__recv",
    );
    const { sent } = await hive.call("send", { to: "ada", body: "second one" });
    await hive.untilMessage((message) => message.to === "operator" && message.body === "got one");
    const done = await hive.untilMessage((message) => message.id === sent[0]?.id && message.state === "done");
    expect(done.redelivered).toBe(false);
  });

  test("a paused agent's messages queue and are delivered when it is resumed; pausing twice is no error", async () => {
    await hive.call("set_paused", { name: "ada", paused: true });
    await hive.call("set_paused", { name: "ada", paused: true });
    const { sent } = await hive.call("send", { to: "ada", body: "while paused" });
    expect(sent[0]?.state).toBe("queued");
    expect(await hive.untilAgent("ada", (agent) => agent.unread === 1)).toMatchObject({ state: "paused", paused: true });
    await hive.call("set_paused", { name: "ada", paused: false });
    await hive.untilMessage((message) => message.to === "operator" && message.body === "ada heard while paused");
  });

  test("cancel ends a turn within moments and drops its message; with return the message is queued again and the agent pauses", async () => {
    const dropped = await speaking("long story");
    expect((await hive.call("cancel", { name: "ada" })).cancelled).toBe(true);
    await hive.untilMessage((message) => message.id === dropped && message.state === "dropped");
    const kept = await speaking("long story");
    await hive.call("cancel", { name: "ada", return: true });
    await hive.untilMessage((message) => message.id === kept && message.state === "queued" && message.redelivered);
    expect(await hive.untilAgent("ada", (agent) => agent.paused)).toMatchObject({ unread: 1 });
    await hive.call("message_drop", { id: kept });
    await hive.call("set_paused", { name: "ada", paused: false });
    expect((await hive.call("cancel", { name: "ada" })).cancelled).toBe(false);
    await expect(hive.call("message_retry", { id: kept })).rejects.toThrow("not dead");
    await expect(hive.call("chain_resume", { chain: kept })).rejects.toThrow();
  });

  test("a cancelled tool call is shown in the hive's words, and cancelled turns count as cancelled", async () => {
    await hive.call("spawn", { name: "eve" });
    const { sent } = await hive.call("send", { to: "eve", body: "work" });
    const isOf = (event: HiveEvent): boolean => event.kind === "turn" && event.turn.agent === "eve";
    await hive.watch((event) => isOf(event) && event.kind === "turn" && event.turn.event.type === "tool_use", { after: 0 });
    await hive.call("cancel", { name: "eve" });
    await hive.untilMessage((message) => message.id === sent[0]?.id && message.state === "dropped");
    const { events } = await hive.call("turn_events", { agent: "eve", limit: 50 });
    const told = events.map(({ event }) => event);
    expect(told.find((event) => event.type === "tool_result")).toMatchObject({
      text: expect.stringContaining("cancelled by the operator"),
      is_error: true,
    });
    expect(JSON.stringify(told)).not.toMatch(/by user|the user/i);
    const end = { result: "cancelled", reason: "cancelled by the operator, the message is dropped" };
    expect(told.at(-1)).toMatchObject({ type: "turn_end", ok: false, ...end });
    expect((await hive.call("turns", { agent: "eve", limit: 5 })).turns).toMatchObject([end]);
    expect((await hive.untilAgent("eve", (agent) => agent.last_turn !== undefined)).last_turn).toMatchObject(end);
    const { total } = await hive.call("statistics", { agent: "eve", range: "24h" });
    expect(total).toMatchObject({ turns: 1, failed: 0, cancelled: 1, parked: 0, interrupted: 0 });
    await hive.call("destroy", { name: "eve", purge: true });
  });

  test("a changed model is kept; a new session begins; compacting runs", async () => {
    const model = (name: string) => hive.call("model", { name: "ada", model: name });
    for (const wrong of ["opuss", "sonet"])
      await expect(model(wrong)).rejects.toThrow(
        `there is no model ${wrong}; did you mean ${wrong === "opuss" ? "opus" : "sonnet"}?`,
      );
    expect((await hive.untilAgent("ada", () => true)).model).not.toMatch(/opuss|sonet/);
    expect((await model("saga")).note).toContain("saga");
    expect(await model("opus")).not.toHaveProperty("note");
    await hive.call("send", { to: "ada", body: "one" });
    await hive.untilMessage((message) => message.body === "ada heard one");
    const sessions = async () =>
      (await hive.call("turn_events", { agent: "ada", limit: 500 })).events.flatMap(({ event }) =>
        event.type === "session" ? [event.session_id] : [],
      );
    const before = (await sessions()).at(-1);
    await hive.call("new_session", { name: "ada" });
    await hive.call("send", { to: "ada", body: "two" });
    await hive.untilMessage((message) => message.body === "ada heard two");
    expect((await sessions()).at(-1)).not.toBe(before);
    expect((await hive.call("logs", { name: "ada", lines: 50 })).lines.join("\n")).toContain("hello answered");
    await hive.untilAgent("ada", (agent) => agent.state === "idle" && agent.model === "opus");
    const { seq } = (await hive.call("state", {})).state;
    await hive.call("compact", { name: "ada" });
    await hive.watch((event) => event.kind === "turn" && event.turn.agent === "ada" && event.turn.event.type === "compacted", {
      after: seq,
    });
  });

  test("a program in the cage wakes its own agent under a label that cannot be taken for another sender", async () => {
    const client = await connectLines(hive.agentSocket("ada"));
    const { message_id: id } = await client.call("wake", { from: "cron", body: "it is noon" });
    const woken = await hive.untilMessage((message) => message.id === id);
    expect(woken).toMatchObject({ from: "ada/cron", to: "ada" });
    await expect(client.call("wake", { from: "../operator", body: "x" })).rejects.toThrow("a label is");
    client.close();
  });

  test("stop lets the turn finish, kill does not; start runs it again; a scope reports each agent", async () => {
    const first = await speaking("long goodbye");
    const { results } = await hive.call("stop", { scope: { agent_names: ["ada", "ghost"] }, graceful: true });
    expect(results).toEqual([
      { name: "ada", ok: true },
      { name: "ghost", ok: false, error: 'agent "ghost" is not managed by this hive' },
    ]);
    await hive.untilMessage((message) => message.id === first && message.state === "done");
    expect(await hive.untilAgent("ada", (agent) => agent.state === "offline")).toMatchObject({ running: false });
    await hive.call("start", { scope: { agent_names: ["ada"] } });
    const second = await speaking("long again");
    await hive.call("kill", { name: "ada" });
    await hive.untilMessage((message) => message.id === second && message.state === "queued" && message.redelivered);
    await hive.call("message_drop", { id: second });
    await hive.call("restart", { name: "ada" });
    await hive.untilAgent("ada", (agent) => agent.state === "idle");
    await expect(hive.call("stop", { scope: {} })).rejects.toMatchObject({ code: "bad_request" });
  });

  test("the desktop client gets the agent's row first, then each change", async () => {
    const client = await connectLines(hive.socket, { ordered: true });
    const rows = client.stream("subscribe_agent_status", {})[Symbol.asyncIterator]();
    expect((await rows.next()).value).not.toHaveProperty("agent_statuses");
    await hive.call("set_paused", { name: "ada", paused: true });
    for (;;) {
      const { value } = await rows.next();
      const row = value?.agent_statuses?.[0];
      if (row?.name === "ada" && row.paused) break;
    }
    await hive.call("set_paused", { name: "ada", paused: false });
    client.close();
  });

  test("destroy keeps the state, revive restores the agent, purge removes the state; the manager cannot be destroyed", async () => {
    const folder = await hive.folderOf("ada");
    await hive.call("destroy", { name: "ada" });
    expect((await hive.call("tombstones", {})).agents).toMatchObject([{ name: "ada" }]);
    await expect(hive.call("send", { to: "ada", body: "x" })).rejects.toThrow('no recipient "ada"');
    await expect(hive.call("spawn", { name: "ada" })).rejects.toThrow("revive ada");
    // Its history is still readable.
    expect((await hive.call("turn_events", { agent: "ada" })).events.length).toBeGreaterThan(0);
    await hive.call("revive", { name: "ada" });
    await hive.call("send", { to: "ada", body: "back?" });
    await hive.untilMessage((message) => message.body === "ada heard back?");
    await hive.call("destroy", { name: "ada", purge: true });
    expect(() => readFileSync(join(folder, "generations/1/agent.json"))).toThrow();
    expect((await hive.call("tombstones", {})).agents).toEqual([]);
    await expect(hive.call("destroy", { name: "hm1nd" })).rejects.toThrow("cannot be destroyed");
    // The name is free again, and belongs to a new agent.
    const { agent } = await hive.call("spawn", { name: "ada" });
    expect((await hive.call("turn_events", { agent: agent.name })).events).toEqual([]);
  });

  test("the operator's read position is stored", async () => {
    const { unread, messages } = await hive.call("inbox", {});
    expect(unread).toBeGreaterThan(0);
    expect((await hive.call("mark_read", { up_to: messages.at(-1)?.id ?? 0 })).unread).toBe(0);
  });
});
