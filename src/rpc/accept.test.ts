import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, expect, test } from "vitest";
import { createReadingServer, type Accepted } from "./accept.ts";
import { LineSplitter } from "./lines.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A server on a socket file, and a function that connects to it. */
async function listening(onAccepted: (accepted: Accepted) => void): Promise<{ server: Server; open: () => Promise<Socket> }> {
  const folder = mkdtempSync(join(tmpdir(), "accept-"));
  ends.push(() => rmSync(folder, { recursive: true }));
  const server = createReadingServer(onAccepted);
  const path = join(folder, "a.sock");
  server.listen(path);
  await once(server, "listening");
  ends.push(() => server.close());
  return {
    server,
    async open() {
      const socket = connect(path);
      ends.push(() => socket.destroy());
      await once(socket, "connect");
      return socket;
    },
  };
}

test("all connections share one read buffer, and a partial line of one is not overwritten by another", async () => {
  const buffers = new Set<ArrayBufferLike>();
  const lines: string[] = [];
  let said = (): void => {};
  let reads = 0;
  const { open } = await listening(({ onBytes }) => {
    const splitter = new LineSplitter();
    onBytes((buffer, count) => {
      buffers.add(buffer.buffer);
      splitter.push(buffer, (line) => void lines.push(line), count);
      reads++;
      said();
    });
  });
  const write = async (socket: Socket, text: string): Promise<void> => {
    const next = reads + 1;
    const heard = new Promise<void>((resolve) => (said = () => reads >= next && resolve()));
    socket.write(text);
    await heard;
  };
  const [first, second] = [await open(), await open()];
  await write(first, "aaaa");
  await write(second, "bbbb");
  await write(first, "AAAA\n");
  await write(second, "BBBB\n");
  expect(lines).toEqual(["aaaaAAAA", "bbbbBBBB"]);
  expect(buffers.size).toBe(1);
});

test("a peer that ends its half still gets its answer; the server closes after the last connection", async () => {
  const { server, open } = await listening(({ socket, onBytes }) => {
    onBytes(() => {});
    socket.on("end", () => socket.end("goodbye"));
  });
  const peer = await open();
  let heard = "";
  peer.setEncoding("utf8").on("data", (text: string) => (heard += text));
  peer.end("hello");
  await once(peer, "close");
  expect(heard).toBe("goodbye");
  await new Promise((resolve) => server.close(resolve));
});

test("a paused connection is not read until it is resumed", async () => {
  const reads: string[] = [];
  let read = (): void => {};
  const sockets: Socket[] = [];
  const { open } = await listening(({ socket, onBytes }) => {
    sockets.push(socket);
    onBytes((buffer, count) => {
      reads.push(buffer.toString("utf8", 0, count));
      socket.pause();
      read();
    });
  });
  const next = (): Promise<void> => new Promise((resolve) => (read = resolve));
  const write = (socket: Socket, text: string): Promise<void> => new Promise((resolve) => socket.write(text, () => resolve()));
  const paused = await open();
  await Promise.all([next(), write(paused, "one")]);
  await write(paused, "two");
  // Bytes that arrive later on another connection are read first.
  const other = await open();
  await Promise.all([next(), write(other, "other")]);
  const last = next();
  sockets[0]?.resume();
  await last;
  expect(reads).toEqual(["one", "other", "two"]);
});

test("if Node hides the handle, bytes arrive as data events", async () => {
  let hear: (text: string) => void = () => {};
  const heard = new Promise<string>((resolve) => (hear = resolve));
  const { server } = await listening(({ onBytes }) => onBytes((buffer, count) => hear(buffer.toString("utf8", 0, count))));
  const bare = new PassThrough().pause();
  server.emit("connection", bare);
  bare.write("hello");
  expect(await heard).toBe("hello");
});
