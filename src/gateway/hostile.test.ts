import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer as createNetServer, type AddressInfo, type Server as NetServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text as whole } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { anthropic } from "./anthropic/dialect.ts";
import { isPublicAddress } from "./egress/address.ts";
import { Gateway, type Listening } from "./gateway.ts";
import type { ModelReply } from "./model/dialect.ts";

/** A cage that misuses its two ways out. It must not reach into the daemon or leave lasting damage. */

let folder: string;
let listening: Listening;
let reply: (signal: AbortSignal) => ModelReply;
let asked: number;
/** The hosts that the agent may reach. */
let hosts: string[];
const unexpected: unknown[] = [];
const open: Socket[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "gw-"));
  asked = 0;
  hosts = ["example.com"];
  unexpected.length = 0;
  reply = () => ({ status: 200, headers: { "content-type": "application/json" }, body: once1("{}") });
  const gateway = new Gateway({
    model: {
      dialect: anthropic,
      upstream: async ({ signal }) => {
        asked++;
        return reply(signal);
      },
      modelsOf: () => ["sonnet"],
      credentialOf: () => "default",
      prices: {},
      enter: async () => () => {},
      onUsage: () => {},
      onSignal: () => {},
      onUnexpected: (error) => void unexpected.push(error),
    },
    egress: {
      hostsOf: () => hosts,
      // In this test the test's own servers count as the public internet.
      resolve: async (host) => (host === "example.com" ? ["127.0.0.1"] : []),
      isPublic: (address) => address === "127.0.0.1" || isPublicAddress(address),
      onRecord: () => {},
    },
  });
  listening = await gateway.listen(
    { id: "a1", name: "ada" },
    { model: join(folder, "model.sock"), egress: join(folder, "egress.sock") },
  );
});
afterEach(async () => {
  for (const socket of open.splice(0)) socket.destroy();
  await listening.close();
  rmSync(folder, { recursive: true, force: true });
});

async function* once1(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
const BODY = JSON.stringify({ model: "claude-sonnet-5", max_tokens: 1, messages: [{ role: "user", content: "x" }] });
const request = (body: string | Buffer): string =>
  `POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;

async function dial(name: "model" | "egress"): Promise<Socket> {
  const socket = connect(join(folder, `${name}.sock`));
  open.push(socket);
  socket.on("error", () => {}); // The test checks its end, not the reason.
  await once(socket, "connect");
  return socket;
}
/** What the other side sends until it closes. */
async function closing(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
  // Not with `once`: an error from writing to a refused connection is expected.
  await new Promise((resolve) => socket.once("close", resolve));
  return text;
}
/** Checks that the socket still serves a well-behaved client. */
async function isWell(): Promise<void> {
  const socket = await dial("model");
  socket.write(`${request(BODY).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")}${BODY}`);
  expect(await closing(socket)).toMatch(/^HTTP\/1\.1 200 /);
  expect(unexpected).toEqual([]);
}

describe.each(["model", "egress"] as const)("%s.sock", (name) => {
  test.each([
    ["not HTTP", "hello\r\n\r\n"],
    ["bytes", Buffer.from([0, 1, 2, 255, 254, 13, 10, 13, 10])],
    ["a TLS hello", Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0])],
    ["an endless header", `GET / HTTP/1.1\r\nX: ${"x".repeat(100_000)}`],
    ["two different lengths", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"],
    [
      "a length and chunked encoding",
      "POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["a newline in a header", "GET / HTTP/1.1\r\nHost: x\r\nX: a\n b: c\r\n\r\n"],
  ])("%s is refused, and the next request is served", async (_what, bytes) => {
    const socket = await dial(name);
    socket.write(bytes);
    expect(await closing(socket)).toMatch(/^HTTP\/1\.1 4\d\d |^$/);
    await isWell();
  });

  test("connections over the limit are closed at once; after they end, others are served", async () => {
    const sockets = await Promise.all(Array.from({ length: 200 }, () => dial(name)));
    let closed = 0;
    for (const socket of sockets) {
      socket.resume();
      socket.once("close", () => closed++);
    }
    await expect.poll(() => closed).toBe(200 - 64);
    for (const socket of sockets) socket.destroy();
    await expect
      .poll(async () =>
        isWell().then(
          () => true,
          () => false, // Not well yet: retried.
        ),
      )
      .toBe(true);
  });
});

describe("model.sock", () => {
  test("an answer that is not read is not pulled from the upstream, and ends with its reader", async () => {
    let drawn = 0;
    let ended!: () => void;
    const isOver = new Promise<void>((resolve) => (ended = resolve));
    const chunk = Buffer.alloc(256 * 1024, 0x20);
    reply = () => ({
      status: 200,
      headers: { "content-type": "text/event-stream" },
      body: (async function* () {
        try {
          while (drawn < 1024) {
            drawn++;
            yield chunk;
          }
        } finally {
          ended();
        }
      })(),
    });
    const socket = await dial("model");
    socket.pause();
    socket.write(request(BODY) + BODY);
    // Pulling continues with every turn of the loop until back-pressure stops it.
    let last = -1;
    await expect.poll(() => last === (last = drawn) && drawn > 0).toBe(true);
    expect(drawn).toBeLessThan(64);
    socket.destroy();
    await isOver;
    expect(drawn).toBeLessThan(64);
  });

  test("concurrent large requests are refused before they fill the daemon's memory, and released when they end", async () => {
    const big = Buffer.alloc(30 * 1024 * 1024, 0x20);
    reply = (signal) => ({
      status: 200,
      headers: { "content-type": "application/json" },
      body: (async function* () {
        yield Buffer.from("{");
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      })(),
    });
    // JSON with 30 MiB of space before its end.
    const body = Buffer.concat([Buffer.from(BODY.slice(0, -1)), big, Buffer.from("}")]);
    const holders = await Promise.all([1, 2, 3].map(() => dial("model")));
    for (const socket of holders) {
      socket.resume();
      socket.write(request(body));
      socket.write(body);
    }
    await expect.poll(() => asked).toBe(3);
    const fourth = await dial("model");
    fourth.write(request(body));
    fourth.write(body);
    expect(await closing(fourth)).toMatch(/^HTTP\/1\.1 413 [\s\S]*the requests of one agent hold at most/);
    expect(asked).toBe(3);
    for (const socket of holders) socket.destroy();
    reply = () => ({ status: 200, headers: { "content-type": "application/json" }, body: once1("{}") });
    await expect
      .poll(async () => {
        const again = await dial("model");
        again.write(request(body).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
        again.write(body);
        return (await closing(again)).slice(0, 12);
      })
      .toBe("HTTP/1.1 200");
  });
});

describe("egress.sock", () => {
  test.each([
    ["a trailer without chunks", "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nContent-Length: 2\r\n\r\nhi", "200 OK"],
    ["a status that does not exist", "HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nhi", "502 Bad Gateway"],
  ])("an answer with %s ends nothing but its request", async (_, answer, said) => {
    const server = createNetServer((socket) => {
      socket.once("data", () => socket.end(answer));
      socket.on("error", () => {}); // The proxy may close it before it has read everything.
    });
    const port = await portOf(server);
    hosts = [`example.com:${port}`];
    const socket = await dial("egress");
    socket.write(`GET http://example.com:${port}/ HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n`);
    expect(await whole(socket)).toContain(said);
    server.close();
  });

  test("an answer that is not read is not pulled from its server", async () => {
    let drawn = 0;
    const chunk = Buffer.alloc(256 * 1024, 0x20);
    const server = createHttpServer((_, response) => {
      const more = (): void => {
        while (drawn < 4096) {
          drawn++;
          if (!response.write(chunk)) return void response.once("drain", more);
        }
      };
      more();
    });
    const port = await portOf(server);
    hosts = [`example.com:${port}`];
    const socket = await dial("egress");
    socket.pause();
    socket.write(`GET http://example.com:${port}/ HTTP/1.1\r\nHost: example.com\r\n\r\n`);
    let last = -1;
    await expect.poll(() => last === (last = drawn) && drawn > 0, { interval: 200 }).toBe(true);
    // What the kernel buffers, and little of ours.
    expect(drawn).toBeLessThan(128);
    socket.destroy();
    server.closeAllConnections();
    server.close();
  });

  test("a tunnel whose client never sends a hello is closed, with its connection to the outside", async () => {
    let left = (): void => {};
    const gone = new Promise<void>((resolve) => (left = resolve));
    const server = createNetServer((socket) => {
      socket.on("error", () => {}); // The test checks its end, not the reason.
      socket.once("close", left);
      socket.resume();
    });
    const port = await portOf(server);
    hosts = [`example.com:${port}`];
    const socket = await dial("egress");
    socket.write(`CONNECT example.com:${port} HTTP/1.1\r\nHost: example.com:${port}\r\n\r\n`);
    expect(await closing(socket)).toMatch(/^HTTP\/1\.1 200 Connection Established/);
    await gone;
    server.close();
  });
});

function portOf(one: NetServer): Promise<number> {
  return new Promise((resolve) => one.listen(0, "127.0.0.1", () => resolve((one.address() as AddressInfo).port)));
}
