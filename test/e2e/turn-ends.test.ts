import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TurnEvent } from "../../src/wire/event.ts";
import { REAL_CLI, TestHive, commandLine, until } from "../lib/hive.ts";

/** Faults of the session, the config and the machine, with the real CLI: the message stays, and is served once they are fixed. */

let hive: TestHive;
beforeAll(async () => {
  hive = await new TestHive({ ...REAL_CLI, HIVE_WARM_SECONDS: "0.2" })
    .play([
      { when: { text: "^refused" }, steps: [{ error: { status: 400, message: "messages.1: unexpected role" } }], once: true },
      { when: { text: "^never" }, steps: [{ error: { status: 400, message: "betas: unknown beta" } }] },
      { when: { text: "^unknown" }, steps: [{ error: { status: 404, message: "model: gpt-9" } }], once: true },
      {
        when: { text: "^broke" },
        steps: [{ error: { status: 400, message: "Your credit balance is too low to access the Anthropic API." } }],
      },
      { when: { text: "." }, steps: [{ say: "Heard." }] },
    ])
    .start({ manager: false });
  await hive.call("spawn", { name });
});
afterAll(() => hive.dispose());

const name = "scout";
/** Drops a message that is never served, and ends the park of its agent. */
async function drop(id: number): Promise<void> {
  await hive.call("set_paused", { name, paused: true });
  await hive.call("message_drop", { id });
  await hive.call("set_paused", { name, paused: false });
  await hive.untilAgent(name, (one) => one.resumes_at === undefined);
}
async function send(to: string, body: string): Promise<number> {
  return (await hive.call("send", { to, body })).sent[0]?.id ?? 0;
}
const done = (id: number) => hive.untilMessage((message) => message.id === id && message.state === "done");
const back = (id: number) =>
  hive.untilMessage((message) => message.id === id && message.state === "queued" && message.redelivered);
async function eventsOf(agent: string): Promise<TurnEvent[]> {
  return (await hive.call("turn_events", { agent, limit: 500 })).events.map(({ event }) => event);
}
/** Waits until the warm CLI of the agent has ended, so that its next turn resumes the session. */
async function untilCold(agent: string): Promise<void> {
  const cage = await hive.cage(agent);
  await until(() => !cage.all().some((pid) => commandLine(pid).includes("/opt/hive/bin/claude")));
}
/** Lets the agent have a session whose CLI has ended. */
async function withSession(): Promise<void> {
  const projects = join(await hive.folderOf(name), "claude", "projects");
  if (!existsSync(projects) || (await sessionFile(name)) === "") await done(await send(name, "hello"));
  await untilCold(name);
}
/** The file of the agent's session on the host: the last that was written. */
async function sessionFile(agent: string): Promise<string> {
  const projects = join(await hive.folderOf(agent), "claude", "projects");
  const found = readdirSync(projects, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".jsonl"))
    .map((file) => join(projects, file))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  return found[0] ?? "";
}

test("an agent whose sessions are removed answers the next message in a new one", async () => {
  await withSession();
  rmSync(join(await hive.folderOf(name), "claude", "projects"), { recursive: true });
  const before = (await eventsOf(name)).length;
  const { failures } = await done(await send(name, "hello"));
  expect(failures).toBe(0);
  const events = (await eventsOf(name)).slice(before);
  expect(events.filter((event) => event.type === "turn_start")).toHaveLength(1);
  expect(events).toContainEqual(
    expect.objectContaining({ type: "note", level: "warn", text: expect.stringContaining("a new one takes its place") }),
  );
  // The agent is informed, and the new session is the one that continues.
  const transcript = readFileSync(await sessionFile(name), "utf8");
  expect(transcript).toContain("new session: the earlier one could not be continued");
  await untilCold(name);
  await done(await send(name, "again"));
  expect((await eventsOf(name)).filter((event) => event.type === "note" && event.text.includes("takes its place"))).toHaveLength(
    1,
  );
});

test.each([
  ["is empty", (file: string) => writeFileSync(file, "")],
  ["is not a file", (file: string) => (rmSync(file), mkdirSync(file))],
])("a session file that %s is replaced the same way", async (_, damage) => {
  await withSession();
  damage(await sessionFile(name));
  expect((await done(await send(name, "hello"))).failures).toBe(0);
});

test("compacting a lost session begins a new one, and says so", async () => {
  await withSession();
  rmSync(await sessionFile(name));
  const { seq } = (await hive.call("state", {})).state;
  await hive.call("compact", { name });
  await hive.watch(
    (event) =>
      event.kind === "turn" &&
      event.turn.agent === name &&
      event.turn.event.type === "note" &&
      event.turn.event.text.includes("a new one"),
    { after: seq },
  );
  expect((await done(await send(name, "hello"))).failures).toBe(0);
});

test("a history that the API refuses is replaced, and the message is answered", async () => {
  await done(await send(name, "hello"));
  const id = await send(name, "refused");
  expect((await done(id)).failures).toBe(0);
  expect(await eventsOf(name)).toContainEqual(
    expect.objectContaining({ type: "note", text: expect.stringContaining("refuses the session's history") }),
  );
});

test("a request that the API refuses in a new session, too, parks the agent, and counts against no message", async () => {
  const id = await send(name, "never");
  const parked = await hive.untilAgent(name, (one) => one.resumes_at !== undefined);
  expect(parked.state_reason).toMatch(/unknown beta.*hivectl model/);
  expect((await back(id)).failures).toBe(0);
  await drop(id);
});

test("a model that the API does not know parks the agent until it has another", async () => {
  const id = await send(name, "unknown");
  const parked = await hive.untilAgent(name, (one) => one.resumes_at !== undefined);
  expect(parked.state_reason).toMatch(/model.*hivectl model/i);
  expect((await back(id)).failures).toBe(0);
  await hive.call("model", { name, model: "opus" });
  await done(id);
});

test("an account without credit parks the agent", async () => {
  const id = await send(name, "broke");
  const parked = await hive.untilAgent(name, (one) => one.resumes_at !== undefined);
  expect(parked.state_reason).toMatch(/credit/i);
  expect((await back(id)).failures).toBe(0);
  await drop(id);
});

test("a session folder that cannot be written parks the agent; once it can, the message is served", async () => {
  await withSession();
  const folder = join(await hive.folderOf(name), "claude");
  chmodSync(folder, 0o500);
  const id = await send(name, "hello");
  const parked = await hive.untilAgent(name, (one) => one.resumes_at !== undefined);
  expect(parked.state_reason).toMatch(/session folder .* cannot be written \(EACCES\)/);
  expect((await back(id)).failures).toBe(0);
  chmodSync(folder, 0o700);
  await hive.call("set_paused", { name, paused: false });
  await done(id);
});

test("a CLI that is missing or not executable parks the agent; once it is installed, the message is served", async () => {
  await withSession();
  const runtimes = join(hive.stateDir, "runtime");
  const [revision = ""] = readdirSync(runtimes);
  const claude = join(runtimes, revision, "bin", "claude");
  for (const [breakIt, mendIt, code] of [
    [() => renameSync(claude, `${claude}.away`), () => renameSync(`${claude}.away`, claude), "ENOENT"],
    [() => chmodSync(claude, 0o644), () => chmodSync(claude, 0o755), "EACCES"],
  ] as const) {
    breakIt();
    const id = await send(name, "hello");
    const parked = await hive.untilAgent(name, (one) => one.resumes_at !== undefined);
    expect(parked.state_reason).toMatch(/cannot be started/);
    expect(parked.state_reason).toContain(code);
    expect((await back(id)).failures).toBe(0);
    mendIt();
    await hive.call("set_paused", { name, paused: false });
    await done(id);
    await untilCold(name);
  }
});
