import { closeSync, existsSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { TestHive, commandLine, isRunning, until } from "../lib/hive.ts";
import { LOG_BYTES } from "../../src/os/keep-log.ts";
import type { StoredTurnEvent } from "../../src/wire/event.ts";

/** What holds when a process is killed during a turn. One hive for all: each test looks only at its own turns. */

const say = (text: string) => ({ say: text });
const answer = (body: string) => ({ tools: [{ name: "send", input: { to: "{{sender}}", body } }] });
/** A turn with a long text, a tool, and an answer: about three seconds of stream. */
const slow = (word: string) => ({
  when: { text: `^${word}` },
  steps: [
    {
      say: "one two three four five six seven eight nine ten",
      chunk_ms: 80,
      tools: [{ name: "set_status", input: { text: "half way" } }],
    },
    { ...answer("finished"), say: "eleven twelve thirteen fourteen", chunk_ms: 80 },
    say("over"),
  ],
});
/** A turn with processes that do not end by themselves, the first time. */
const shell = (word: string) => ({
  when: { text: `^${word}` },
  once: true,
  steps: [{ tools: [{ name: "Bash", input: { command: "tail -f /dev/null & tail -f /dev/null" } }] }, say("woke up")],
});
const RULES = [
  slow("slow"),
  { ...slow("cut"), once: true },
  { when: { text: "^cut" }, steps: [answer("second try"), say("over")] },
  shell("harness"),
  shell("cage"),
  { when: { text: "^(harness|cage)" }, steps: [answer("second life"), say("over")] },
  { when: { from: "system" }, steps: [say("noted")] },
  { when: { text: "." }, steps: [answer("here"), say("over")] },
];

let hive: TestHive;
beforeAll(async () => {
  hive = await new TestHive({ HIVE_CRASH_BACKOFF_SECONDS: "0.2" }).play(RULES).start();
  await hive.call("spawn", { name: "ada" });
});
beforeEach(async () => {
  if (hive.process.exitCode !== null) await hive.start();
  await hive.untilAgent("hm1nd", (agent) => agent.state === "idle");
});
afterAll(() => hive.dispose());

async function send(to: string, body: string): Promise<number> {
  return (await hive.call("send", { to, body })).sent[0]?.id ?? 0;
}
const done = (id: number) => hive.untilMessage((message) => message.id === id && message.state === "done");
/** Waits until an agent speaks these words in the turn of a message. */
async function speaks(words: string): Promise<void> {
  await hive.watch((event) => event.kind === "delta" && event.agent === "hm1nd" && event.delta.text.includes(words), {
    kinds: ["delta"],
  });
}
/** The events of the turns of a message. */
async function eventsOf(id: number): Promise<StoredTurnEvent[]> {
  const { events } = await hive.call("turn_events", { agent: "hm1nd", limit: 500 });
  const own: StoredTurnEvent[] = [];
  let isOwn = false;
  for (const one of events) {
    if (one.event.type === "turn_start") isOwn = one.event.message_id === id;
    if (isOwn) own.push(one);
    if (one.event.type === "turn_end") isOwn = false;
  }
  return own;
}
/** The texts that the operator has received in answer to a message. */
async function answersTo(id: number): Promise<(string | undefined)[]> {
  const { messages } = await hive.call("inbox", { limit: 100 });
  return messages.filter((message) => message.in_reply_to === id).map(({ body }) => body);
}

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

test("kill -9 of the daemon, twice during a turn: the cage survives, its log stays bounded, the turn ends, every event arrives once", async () => {
  const id = await send("hm1nd", "slow please");
  await speaks("three");
  const cage = await hive.cage("hm1nd");
  const log = join(await hive.folderOf("hm1nd"), "cage.log");
  await hive.crash();
  await hive.start();
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
  // Never returned and leased again: it was one turn.
  expect((await done(id)).redelivered).toBe(false);
  expect((await hive.cage("hm1nd")).init).toBe(cage.init);
  const events = await eventsOf(id);
  assertWhole(events);
  expect(events.flatMap(({ event }) => (event.type === "text" ? [event.text] : []))).toEqual([
    "one two three four five six seven eight nine ten",
    "eleven twelve thirteen fourteen",
    "over",
  ]);
  expect(await answersTo(id)).toEqual(["finished"]);
});

test("kill -9 of an idle daemon: idle cages survive, are adopted, and take the next message", async () => {
  for (const name of ["hm1nd", "ada"]) await done(await send(name, "are you there?"));
  await hive.untilAgent("hm1nd", (agent) => agent.state === "idle");
  await hive.untilAgent("ada", (agent) => agent.state === "idle");
  const cages = [await hive.cage("hm1nd"), await hive.cage("ada")];
  await hive.crash();
  await hive.start();
  // Each has said hello to the new daemon, with the same process.
  const ids: number[] = [];
  for (const name of ["hm1nd", "ada"]) {
    const id = await send(name, `still there, ${name}?`);
    await hive.untilMessage((message) => message.in_reply_to === id);
    ids.push(id);
  }
  expect([await hive.cage("hm1nd"), await hive.cage("ada")].map((cage) => cage.init)).toEqual(cages.map((cage) => cage.init));
  const { messages } = await hive.call("messages", { limit: 100 });
  expect(messages.filter((message) => ids.includes(message.id) && message.redelivered)).toEqual([]);
  expect(hive.output).not.toContain("crash");
});

test("kill -9 of the CLI: the turn fails, and the message is redelivered", async () => {
  const id = await send("hm1nd", "cut please");
  await speaks("one");
  process.kill((await hive.cage("hm1nd")).find("/opt/hive/bin/claude"), "SIGKILL");
  expect(await done(id)).toMatchObject({ redelivered: true, failures: 1 });
  const ends = (await eventsOf(id)).flatMap(({ event }) => (event.type === "turn_end" ? [event] : []));
  expect(ends.map((end) => end.ok)).toEqual([false, true]);
  expect(ends[0]?.reason).toMatch(/SIGKILL|ended|crash/i);
});

/** Sends a word whose turn starts processes. Resolves with the message, the cage, and its processes once these run. */
async function inShell(word: string): Promise<{ id: number; cage: Awaited<ReturnType<TestHive["cage"]>>; before: number[] }> {
  const id = await send("hm1nd", word);
  const cage = await hive.cage("hm1nd");
  await until(() => cage.all().some((pid) => commandLine(pid).includes("tail -f")));
  return { id, cage, before: cage.all() };
}

test("kill -9 of the harness: its cage counts as crashed, nothing of it remains, and the message is redelivered", async () => {
  const { id, cage, before } = await inShell("harness");
  expect(before.length).toBeGreaterThan(3);
  process.kill(cage.find("hive-ag3nt.js"), "SIGKILL");

  expect((await done(id)).redelivered).toBe(true);
  expect(before.filter(isRunning)).toEqual([]);
  expect(await answersTo(id)).toEqual(["second life"]);
  // The interrupted turn is not shown as running forever.
  const { turns } = await hive.call("turns", { agent: "hm1nd" });
  expect(turns.filter(({ message }) => message === id).at(-1)).toMatchObject({
    result: "interrupted",
    reason: expect.stringContaining("the cage crashed") as string,
  });
});

test("kill -9 of the cage: no process, mount or group remains, and it is restarted", async () => {
  const { id, cage, before } = await inShell("cage");
  process.kill(cage.init, "SIGKILL");
  await done(id);
  expect(before.filter(isRunning)).toEqual([]);
  await hive.stop();
  expect(readFileSync("/proc/self/mounts", "utf8")).not.toContain(hive.folder);
});

test("Ctrl-C stops everything that was started", async () => {
  // Each runs, also if the hive has just been started.
  for (const name of ["hm1nd", "ada"]) await done(await send(name, "are you there?"));
  const pids = [...(await hive.cage("hm1nd")).all(), ...(await hive.cage("ada")).all()];
  expect(pids.length).toBeGreaterThan(3);
  expect(await hive.stop()).toBe(0);
  expect(pids.filter(isRunning)).toEqual([]);
});
