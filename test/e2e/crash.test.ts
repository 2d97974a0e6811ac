import { closeSync, existsSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { TestHive, commandLine, isRunning, until } from "../lib/hive.ts";
import { LOG_BYTES } from "../../src/os/keep-log.ts";
import type { StoredTurnEvent } from "../../src/wire/event.ts";

/** What holds when a process is killed during a turn. */

let hive: TestHive;
afterEach(() => hive.dispose());

const say = (text: string) => ({ say: text });
const answer = (body: string) => ({ tools: [{ name: "send", input: { to: "{{sender}}", body } }] });
/** A turn with a long text, a tool, and an answer: about three seconds of stream. */
const SLOW = {
  when: { text: "^slow" },
  steps: [
    {
      say: "one two three four five six seven eight nine ten",
      chunk_ms: 80,
      tools: [{ name: "set_status", input: { text: "half way" } }],
    },
    { ...answer("finished"), say: "eleven twelve thirteen fourteen", chunk_ms: 80 },
    say("over"),
  ],
};
const SHELL = {
  when: { text: "^shell" },
  steps: [{ tools: [{ name: "Bash", input: { command: "tail -f /dev/null & tail -f /dev/null" } }] }, say("woke up")],
};

function assertWhole(events: StoredTurnEvent[]): void {
  const types = events.map(({ event }) => event.type);
  expect(types.filter((type) => type === "turn_start")).toHaveLength(1);
  expect(types.filter((type) => type === "turn_end")).toHaveLength(1);
  expect(types[0]).toBe("turn_start");
  expect(types.at(-1)).toBe("turn_end");
  const texts = events.flatMap(({ event }) => (event.type === "text" ? [event.text] : []));
  expect(new Set(texts).size).toBe(texts.length);
  const seqs = events.map(({ seq }) => seq);
  expect([...seqs].sort((a, b) => a - b)).toEqual(seqs);
}

test("kill -9 of the daemon during a turn: the cage survives, its log stays bounded, the turn ends, every event arrives once", async () => {
  hive = await new TestHive().play([SLOW]).start();
  const { sent } = await hive.call("send", { to: "hm1nd", body: "slow please" });
  const id = sent[0]?.id ?? 0;
  await hive.watch((event) => event.kind === "delta" && event.delta.text.includes("three"), { kinds: ["delta"] });
  const cage = await hive.cage("hm1nd");
  const log = join(await hive.folderOf("hm1nd"), "cage.log");
  await hive.crash();
  expect(isRunning(cage.init)).toBe(true);
  // Without a daemon, too, what a program in the cage writes to the harness's stderr stays bounded.
  const stderr = openSync(`/proc/${cage.init}/fd/2`, "w");
  for (let written = 0; written < 5 * LOG_BYTES; written += 64 * 1024) writeSync(stderr, Buffer.alloc(64 * 1024, "flood\n"));
  closeSync(stderr);
  for (const file of [log, `${log}.1`]) {
    // The launcher reads the pipe in its own time, and between two files there is none of the first name.
    await until(() => existsSync(file));
    expect(statSync(file).size).toBeLessThanOrEqual(LOG_BYTES);
  }

  await hive.start();
  const done = await hive.untilMessage((message) => message.id === id && message.state === "done");
  // Never returned and leased again: it was one turn.
  expect(done.redelivered).toBe(false);
  expect((await hive.cage("hm1nd")).init).toBe(cage.init);
  const { events } = await hive.call("turn_events", { agent: "hm1nd" });
  assertWhole(events);
  expect(events.flatMap(({ event }) => (event.type === "text" ? [event.text] : []))).toEqual([
    "one two three four five six seven eight nine ten",
    "eleven twelve thirteen fourteen",
    "over",
  ]);
  const { messages } = await hive.call("inbox", {});
  expect(messages.map((message) => message.body)).toEqual(["finished"]);
});

test("two kill -9 of the daemon within one turn give the same result", async () => {
  hive = await new TestHive().play([SLOW]).start();
  const { sent } = await hive.call("send", { to: "hm1nd", body: "slow please" });
  await hive.watch((event) => event.kind === "delta" && event.delta.text.includes("two"), { kinds: ["delta"] });
  await hive.crash();
  await hive.start();
  await hive.crash();
  await hive.start();
  await hive.untilMessage((message) => message.id === sent[0]?.id && message.state === "done");
  assertWhole((await hive.call("turn_events", { agent: "hm1nd" })).events);
  expect((await hive.call("inbox", {})).messages).toHaveLength(1);
});

test("kill -9 of an idle daemon: idle cages survive, are adopted, and take the next message", async () => {
  hive = await new TestHive().play([{ when: { text: "." }, steps: [answer("here"), say("over")] }]).start();
  await hive.call("spawn", { name: "ada" });
  await hive.call("send", { to: "hm1nd", body: "are you there?" });
  await hive.untilMessage((message) => message.body === "here");
  await hive.untilAgent("hm1nd", (agent) => agent.state === "idle");
  const cages = [await hive.cage("hm1nd"), await hive.cage("ada")];
  await hive.crash();
  await hive.start();
  // Each has said hello to the new daemon, with the same process.
  for (const name of ["hm1nd", "ada"]) {
    const { sent } = await hive.call("send", { to: name, body: `still there, ${name}?` });
    await hive.untilMessage((message) => message.in_reply_to === sent[0]?.id);
  }
  expect([await hive.cage("hm1nd"), await hive.cage("ada")].map((cage) => cage.init)).toEqual(cages.map((cage) => cage.init));
  const { messages } = await hive.call("messages", {});
  expect(messages.filter((message) => message.redelivered)).toEqual([]);
  expect(hive.output).not.toContain("crash");
});

test("kill -9 of the CLI: the turn fails, and the message is redelivered", async () => {
  hive = await new TestHive()
    .play([
      { ...SLOW, once: true },
      { when: { text: "^slow" }, steps: [answer("second try"), say("over")] },
    ])
    .start();
  const { sent } = await hive.call("send", { to: "hm1nd", body: "slow please" });
  await hive.watch((event) => event.kind === "delta", { kinds: ["delta"] });
  process.kill((await hive.cage("hm1nd")).find("/opt/hive/bin/claude"), "SIGKILL");
  const done = await hive.untilMessage((message) => message.id === sent[0]?.id && message.state === "done");
  expect(done).toMatchObject({ redelivered: true, failures: 1 });
  const { events } = await hive.call("turn_events", { agent: "hm1nd" });
  const ends = events.flatMap(({ event }) => (event.type === "turn_end" ? [event] : []));
  expect(ends.map((end) => end.ok)).toEqual([false, true]);
  expect(ends[0]?.reason).toMatch(/SIGKILL|ended|crash/i);
});

test("kill -9 of the harness: its cage counts as crashed, nothing of it remains, and the message is redelivered", async () => {
  hive = await new TestHive({ HIVE_CRASH_BACKOFF_SECONDS: "0.2" })
    .play([
      { ...SHELL, once: true },
      { when: { text: "^shell" }, steps: [answer("second life"), say("over")] },
    ])
    .start();
  const { sent } = await hive.call("send", { to: "hm1nd", body: "shell" });
  await hive.watch((event) => event.kind === "turn" && event.turn.event.type === "tool_use");
  const cage = await hive.cage("hm1nd");
  await until(() => cage.all().some((pid) => commandLine(pid).includes("tail -f")));
  const before = cage.all();
  expect(before.length).toBeGreaterThan(3);
  process.kill(cage.find("hive-ag3nt.js"), "SIGKILL");

  const done = await hive.untilMessage((message) => message.id === sent[0]?.id && message.state === "done");
  expect(done.redelivered).toBe(true);
  expect(before.filter(isRunning)).toEqual([]);
  expect((await hive.call("inbox", {})).messages.map((message) => message.body)).toEqual(["second life"]);
  // The interrupted turn is not shown as running forever.
  const { turns } = await hive.call("turns", { agent: "hm1nd" });
  expect(turns[1]).toMatchObject({ turn: 1, result: "interrupted", reason: expect.stringContaining("the cage crashed") });
});

test("kill -9 of the cage: no process, mount or group remains, and it is restarted", async () => {
  hive = await new TestHive({ HIVE_CRASH_BACKOFF_SECONDS: "0.2" })
    .play([
      { ...SHELL, once: true },
      { when: { text: "^shell" }, steps: [answer("second life"), say("over")] },
    ])
    .start();
  const { sent } = await hive.call("send", { to: "hm1nd", body: "shell" });
  await hive.watch((event) => event.kind === "turn" && event.turn.event.type === "tool_use");
  const cage = await hive.cage("hm1nd");
  await until(() => cage.all().some((pid) => commandLine(pid).includes("tail -f")));
  const before = cage.all();
  process.kill(cage.init, "SIGKILL");
  await hive.untilMessage((message) => message.id === sent[0]?.id && message.state === "done");
  expect(before.filter(isRunning)).toEqual([]);
  await hive.stop();
  expect(readFileSync("/proc/self/mounts", "utf8")).not.toContain(hive.folder);
});

test("Ctrl-C stops everything that was started", async () => {
  hive = await new TestHive().play([SHELL]).start();
  await hive.call("spawn", { name: "ada" });
  await hive.untilAgent("ada", (agent) => agent.state === "idle");
  const pids = [...(await hive.cage("hm1nd")).all(), ...(await hive.cage("ada")).all()];
  expect(pids.length).toBeGreaterThan(3);
  expect(await hive.stop()).toBe(0);
  expect(pids.filter(isRunning)).toEqual([]);
});
