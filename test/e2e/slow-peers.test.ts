import { connect, type NetConnectOpts, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectLines } from "../../src/rpc/client.ts";
import { MAX_NOTE_CHARS, MAX_PREVIEW_BYTES } from "../../src/wire/limits.ts";
import { IDLE_CLI, TestHive } from "../lib/hive.ts";
import { holdings } from "../lib/process.ts";
import { spawnStopped } from "../lib/stand-in.ts";

/** Peers of a real daemon that write half a message, or never read what they asked for. */

/** The maximum of a cage on one socket. */
const PEERS = 64;
/**
 * Maximum cost to the daemon: what may be buffered for a peer, and the garbage that newer lines of Node let grow before
 * they collect it.
 */
const MOST_BYTES = 384 * 1024 * 1024;
/** Offered to a reader that does not read: far more than may be buffered for it. */
const OFFERED_BYTES = 64 * 1024 * 1024;
const BODY_BYTES = 250 * 1024;
/** The same of a stream of events, in events of the most that one has of a body. */
const OFFERED_EVENT_BYTES = 40 * 1024 * 1024;
/** Messages that are sent at once. */
const BATCH = 128;
let hive: TestHive;
let before: ReturnType<typeof holdings>;
const open: Socket[] = [];

beforeAll(async () => {
  hive = await new TestHive(IDLE_CLI).start();
  // What ada is told of itself is long: few answers are more than may be buffered for it.
  await hive.call("spawn", { name: "ada", description: "d".repeat(MAX_NOTE_CHARS) });
  await spawnStopped(hive, "bob");
  await hive.call("stop", { scope: { agent_names: ["hm1nd", "ada"] }, graceful: false });
  before = holdings(hive.pid);
});
afterAll(async () => {
  for (const socket of open) socket.destroy();
  await hive.dispose();
});

const of = (agent: string, name: string): NetConnectOpts => ({ path: join(hive.agentSocket(agent), "..", name) });
const dashboard = (): NetConnectOpts => ({ host: new URL(hive.home).hostname, port: Number(new URL(hive.home).port) });
const SOCKETS: readonly (readonly [string, () => NetConnectOpts, string])[] = [
  ["host.sock", () => ({ path: hive.socket }), '{"cmd":"li'],
  ["mcp.sock", () => of("ada", "mcp.sock"), '{"id":1,"cmd":"who'],
  ["model.sock", () => of("ada", "model.sock"), "POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Le"],
  ["egress.sock", () => of("ada", "egress.sock"), "CONNECT example.org:443 HTT"],
  ["the dashboard", dashboard, "GET / HTTP/1.1\r\nHo"],
];
function dial(to: NetConnectOpts): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(to);
    open.push(socket);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      socket.on("error", () => {}); // The test checks that it closes, not why.
      resolve(socket);
    });
  });
}
/** Everything received until the other side ends. */
function said(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    socket.once("close", () => resolve(text));
  });
}
/** All others are served, and the daemon uses no more than it may. */
async function isWell(): Promise<void> {
  expect((await hive.call("list", {})).agents).toEqual(["hm1nd", "ada", "bob"]);
  const bob = await connectLines(hive.agentSocket("bob"));
  expect((await bob.call("whoami", {})).name).toBe("bob");
  bob.close();
  for (const name of ["model.sock", "egress.sock"]) {
    const socket = await dial(of("bob", name));
    socket.write("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect(await said(socket)).toMatch(/^HTTP\/1\.1 40[045] [^]*hyperhive: /);
  }
  expect((await fetch(`${hive.home}/healthz`)).status).toBe(200);
  expect(holdings(hive.pid).resident - before.resident).toBeLessThan(MOST_BYTES);
}

test("slow writers: 64 on every socket block no other client, and over HTTP they are disconnected", async () => {
  const slow: [string, Socket[]][] = [];
  for (const [name, to, half] of SOCKETS) {
    const peers = await Promise.all(Array.from({ length: PEERS }, () => dial(to())));
    for (const peer of peers) peer.write(half);
    slow.push([name, peers]);
    await isWell();
  }
  for (const [name, peers] of slow) {
    if (name.endsWith(".sock") && !/^(?:model|egress)/.test(name)) {
      // Half a line may stay: it is bounded by the line limit, and its connection by the connection limit.
      for (const peer of peers) expect(peer.destroyed, name).toBe(false);
      for (const peer of peers) peer.destroy();
    } else {
      const answers = await Promise.all(peers.map(said));
      for (const answer of answers) expect(answer, name).toMatch(/^HTTP\/1\.1 408 /);
    }
  }
  await isWell();
});

test("slow writers of a body: 64 requests whose rest never comes block no other client", async () => {
  const peers = await Promise.all(Array.from({ length: PEERS }, () => dial(of("ada", "model.sock"))));
  for (const peer of peers)
    peer.write(`POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n${"x".repeat(BODY_BYTES)}`);
  await isWell();
  for (const peer of peers) peer.destroy();
});

test("a reader of events that never reads is cut off or loses its backlog, and no other client is slowed down", async () => {
  const lines = await dial({ path: hive.socket });
  lines.pause();
  lines.write('{"cmd":"watch"}\n');
  const { url } = await hive.call("login", {});
  const login = await fetch(`${hive.home}/api/login`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token: url.split("#token=")[1] }),
  });
  const cookie = login.headers.get("set-cookie")?.split(";")[0] ?? "";
  const events = await dial(dashboard());
  events.write(`GET /api/events HTTP/1.1\r\nHost: ${new URL(hive.home).host}\r\nCookie: ${cookie}\r\n\r\n`);
  // The stream is connected. From here on the test does not read it.
  await new Promise((resolve) => events.once("data", resolve));
  events.pause();

  // An event has the beginning of a body, so it takes many messages to offer this much.
  const offered = OFFERED_EVENT_BYTES / MAX_PREVIEW_BYTES;
  for (let n = 0; n < offered; n += BATCH)
    await Promise.all(
      Array.from({ length: BATCH }, (_, m) =>
        hive.call("send", { to: m % 2 ? "ada" : "bob", body: "x".repeat(MAX_PREVIEW_BYTES) }),
      ),
    );
  await isWell();
  // The daemon closed the browser's stream, and less was buffered than was offered.
  const whole = said(events);
  events.resume();
  expect((await whole).length).toBeLessThan(OFFERED_EVENT_BYTES / 2);
  // A reader on the socket gets what was sent to it so far, then one line that tells it to take a new snapshot.
  let text = "";
  const reset = new Promise<void>((resolve) =>
    lines.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (text.includes('"kind":"reset"')) resolve();
    }),
  );
  lines.resume();
  await reset;
  expect(text.length).toBeLessThan(OFFERED_EVENT_BYTES / 2);
});

test.each([
  ["an agent's", () => of("ada", "mcp.sock"), '{"id":1,"cmd":"whoami"}\n'],
  ["the operator's", (): NetConnectOpts => ({ path: hive.socket }), '{"id":1,"cmd":"messages","limit":1,"agent":"ada"}\n'],
])("a peer on %s socket that keeps asking and never reads is cut off", async (_whose, to, line) => {
  const socket = await dial(to());
  socket.pause();
  const gone = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const question = line.repeat(1000);
  let isOpen = true;
  void gone.then(() => (isOpen = false));
  while (isOpen) {
    if (!socket.write(question)) await Promise.race([gone, new Promise((resolve) => socket.once("drain", resolve))]);
  }
  await isWell();
});

test.each([
  ["model.sock", () => of("ada", "model.sock"), "/x"],
  ["the dashboard", dashboard, "/login"],
] as const)("the daemon stops reading from a peer of %s that keeps asking and never reads", async (_name, to, path) => {
  const socket = await dial(to());
  socket.pause();
  const question = `GET ${path} HTTP/1.1\r\nHost: ${new URL(hive.home).host}\r\n\r\n`.repeat(1000);
  // More than the kernel and the daemon buffer together.
  for (let bytes = 0; bytes < OFFERED_BYTES; bytes += question.length) socket.write(question);
  let last = -1;
  await expect.poll(() => last === (last = socket.writableLength), { interval: 200 }).toBe(true);
  // Closed if the first answer is a refusal; otherwise the unread rest is buffered in the peer itself.
  if (!socket.destroyed) expect(socket.writableLength).toBeGreaterThan(OFFERED_BYTES / 2);
  await isWell();
  socket.destroy();
});
