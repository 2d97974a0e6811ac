import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openBridge, type Bridge } from "./bridge.ts";

let folder: string;
let path: string;
let server: Server | undefined;
let bridge: Bridge | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bridge-"));
  path = join(folder, "s.sock");
});
afterEach(() => {
  bridge?.close();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function listen(onConnection: (socket: Socket) => void): Promise<void> {
  server = createServer({ allowHalfOpen: true }, onConnection);
  server.listen(path);
  await once(server, "listening");
}
async function inside(): Promise<Socket> {
  const socket = connect({ port: bridge?.port ?? 0, host: "127.0.0.1", allowHalfOpen: true });
  await once(socket, "connect");
  return socket;
}
/** Reads until the other side ends. Without iteration, which would close our side too. */
function all(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return new Promise((resolve, reject) => {
    socket.once("end", () => resolve(text));
    socket.once("error", reject);
  });
}
/** Resolves when the connection is closed, with or without an error. */
function gone(socket: Socket): Promise<unknown> {
  socket.on("error", () => {}); // The test checks that it closes, not why.
  socket.on("end", () => socket.end());
  socket.resume();
  return once(socket, "close");
}

test("carries bytes both ways, and closes each direction separately", async () => {
  await listen((socket) => {
    all(socket).then(
      (text) => socket.end(`heard ${text}`),
      (error: Error) => socket.destroy(error),
    );
  });
  bridge = await openBridge(path);
  const socket = await inside();
  const answer = all(socket);
  socket.end("hello");
  expect(await answer).toBe("heard hello");
});

test("parks a connection while the daemon is away, and continues it when the daemon is back", async () => {
  bridge = await openBridge(path);
  const socket = await inside();
  const answer = all(socket);
  socket.end("are you there?");
  await listen((outer) => {
    all(outer).then(
      (text) => outer.end(`now I am: ${text}`),
      (error: Error) => outer.destroy(error),
    );
  });
  expect(await answer).toBe("now I am: are you there?");
});

test("closes a connection that is parked too long", async () => {
  bridge = await openBridge(path, 1);
  await gone(await inside());
});

test("closes open connections when the daemon dies, so that the client retries", async () => {
  await listen((socket) => {
    socket.on("error", () => {}); // The test checks that it closes, not why.
    socket.write("half an ans", () => socket.destroy());
  });
  bridge = await openBridge(path);
  await gone(await inside());
});

test("stops reading for a reader that does not read, so that memory stays bounded", async () => {
  let sent = 0;
  let blocked!: () => void;
  const isBlocked = new Promise<void>((resolve) => (blocked = resolve));
  await listen((socket) => {
    socket.on("error", () => {}); // The test checks that it closes, not why.
    const chunk = Buffer.alloc(256 * 1024);
    const go = (): void => {
      while (sent < 256) {
        sent++;
        if (!socket.write(chunk)) return void socket.once("drain", go);
      }
    };
    go();
    // The writer is held back once all buffers on the way are full.
    const poll = setInterval(() => {
      if (sent === last) {
        clearInterval(poll);
        blocked();
      }
      last = sent;
    }, 50);
    let last = -1;
  });
  bridge = await openBridge(path);
  const socket = await inside();
  socket.pause();
  await isBlocked;
  expect(sent).toBeLessThan(128);
  socket.destroy();
});
