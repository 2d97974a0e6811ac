import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { connectLines } from "../../src/rpc/client.ts";
import { PROTOCOL } from "../../src/wire/harness.ts";
import { TestHive } from "../lib/hive.ts";
import { scaled } from "../lib/slowness.ts";
import { spawnStopped, standIn } from "../lib/stand-in.ts";

/** The daemon is suspended (SIGSTOP) and resumed. `npm run suspend` suspends it for five minutes. */

/** Long enough for the daemon, on this machine, to answer the one call between its start and its suspension. */
const GRACE_SECONDS = scaled(2_000) / 1000;
/** Longer than the grace: a plain timer would have expired when the daemon resumes. */
const SECONDS = Number(process.env["SUSPEND_SECONDS"] ?? 2 * GRACE_SECONDS);
const LIMIT_MS = scaled(180_000) + SECONDS * 1000;
const INSTANCE = "suspend-test-harness";
let hive: TestHive;
const RULES = [
  {
    when: { text: "^slow" },
    steps: [
      { say: "one two three four five six", chunk_ms: 80, tools: [{ name: "set_status", input: { text: "half way" } }] },
      { tools: [{ name: "send", input: { to: "{{sender}}", body: "finished" } }], say: "seven eight", chunk_ms: 80 },
      { say: "over" },
    ],
  },
  { when: { text: "." }, steps: [{ say: "noted" }] },
];
beforeAll(async () => {
  hive = await new TestHive({ HIVE_LEASE_GRACE_SECONDS: String(GRACE_SECONDS) }).play(RULES).start();
});
afterEach(() => void hive.process.kill("SIGCONT"));
afterAll(() => hive.dispose());

/** Suspends the daemon, runs `meanwhile`, lets time pass, and resumes it. */
async function suspended<T>(meanwhile: () => T): Promise<T> {
  hive.process.kill("SIGSTOP");
  const result = meanwhile();
  // Time itself is tested here, so a program waits for it.
  await promisify(execFile)("sleep", [String(SECONDS)]);
  hive.process.kill("SIGCONT");
  return result;
}

test(
  "a harness that presents its leases while the daemon is suspended past its grace keeps them",
  { timeout: LIMIT_MS },
  async () => {
    await spawnStopped(hive, "ada");
    const { sent } = await hive.call("send", { to: "ada", body: "one" });
    const { client } = await standIn(hive, "ada", INSTANCE);
    const { message, token } = await client.call("next", {});
    const lease = { id: message?.id ?? 0, token: token ?? "" };
    client.close();
    await hive.crash();
    await hive.start();
    // Prepared before, so that only the hello is in the daemon's sockets when it resumes.
    const hello = {
      protocol: PROTOCOL,
      revision: (await hive.call("state", { messages: 0 })).state.hive.revision,
      generation: 0,
      instance: INSTANCE,
      leases: [lease],
      busy: true,
    };
    const { again, answer } = await suspended(() => {
      const connected = connectLines(hive.agentSocket("ada"));
      return { again: connected, answer: connected.then((one) => one.call("hello", hello)) };
    });
    expect((await answer).leases).toEqual([lease]);
    await (await again).call("finish", { turn: 1, outcome: { kind: "ok" } });
    (await again).close();
    const { messages } = await hive.call("messages", { agent: "ada" });
    expect(messages.find((one) => one.id === sent[0]?.id)).toMatchObject({ state: "done", redelivered: false });
  },
);

test(
  "a lease without a harness is returned once, although the daemon was suspended past its grace",
  { timeout: LIMIT_MS },
  async () => {
    await spawnStopped(hive, "bob");
    await hive.call("send", { to: "bob", body: "one" });
    const { client } = await standIn(hive, "bob", INSTANCE);
    const { message } = await client.call("next", {});
    client.close();
    await hive.crash();
    await hive.start();
    await suspended(() => {});
    const returned = await hive.watch(
      (event) =>
        event.kind === "message" &&
        event.message.id === message?.id &&
        event.message.state === "queued" &&
        event.message.redelivered,
    );
    expect(returned.at(-1)).toMatchObject({ kind: "message", message: { state: "queued" } });
    const other = await standIn(hive, "bob", `${INSTANCE}-2`);
    const second = await other.client.call("next", {});
    expect(second.message).toMatchObject({ id: message?.id, redelivered: true });
    await other.client.call("finish", { turn: 1, outcome: { kind: "ok" } });
    other.client.close();
    expect((await hive.call("messages", { agent: "bob", waiting: true })).messages).toEqual([]);
  },
);

test("a turn, the senders and the dashboard of a suspended daemon continue where they were", { timeout: LIMIT_MS }, async () => {
  await spawnStopped(hive, "eve");
  const browser = await hive.browser();
  const events = await browser("/api/events");
  const senders = await Promise.all(Array.from({ length: 10 }, () => connectLines(hive.socket, { ordered: true })));
  // Last of all: deltas are live only, so nothing slow may come between the send and the watch.
  const { sent } = await hive.call("send", { to: "hm1nd", body: "slow please" });
  await hive.watch((event) => event.kind === "delta" && event.delta.text.includes("two"), { kinds: ["delta"] });

  const answers = await suspended(() =>
    senders.map((client, n) => client.call("send", { to: "eve", body: `sent to a sleeper ${n}`, client_id: `c${n}` })),
  );
  const ids = (await Promise.all(answers)).map((answer) => answer.sent[0]?.id);
  expect(new Set(ids).size).toBe(10);
  for (const client of senders) client.close();
  const waiting = (await hive.call("messages", { agent: "eve", waiting: true })).messages.map(({ id }) => id);
  expect(waiting).toEqual([...ids].sort((a, b) => (a ?? 0) - (b ?? 0)));

  await hive.untilMessage((message) => message.to === "operator" && message.body === "finished");
  await hive.untilMessage((message) => message.id === sent[0]?.id && message.state === "done" && !message.redelivered);
  const { turns } = await hive.call("turns", { agent: "hm1nd", limit: 10 });
  expect(turns.filter((turn) => turn.message === sent[0]?.id)).toMatchObject([{ result: "ok" }]);
  const { messages } = await hive.call("messages", { agent: "operator" });
  expect(messages.filter(({ body }) => body === "finished")).toHaveLength(1);
  // The open event stream reports it, without a new connection.
  const reader = events.body?.getReader();
  let text = "";
  while (!text.includes("finished")) text += new TextDecoder().decode((await reader?.read())?.value);
  await reader?.cancel();
});
