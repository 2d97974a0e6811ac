import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openEventStream, type EventStream } from "./events.ts";

let server: Server;
let streams: { stream: EventStream; written: Buffer[] }[];
let ended: number;

beforeEach(async () => {
  streams = [];
  ended = 0;
  server = createServer((_, response) => {
    const stream = openEventStream(response, () => ended++);
    const written: Buffer[] = [];
    const socket = response.socket as Socket;
    const write = socket.write.bind(socket);
    socket.write = (bytes: Buffer) => {
      written.push(bytes);
      return write(bytes);
    };
    streams.push({ stream, written });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** A reader with an open stream. It reads unless it is paused. */
async function reader(): Promise<{ socket: Socket; text(): string }> {
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  while (!text.includes("retry: 1000\n\n")) await once(socket, "data");
  return { socket, text: () => text };
}

const frame = (n: number, size = 0): Buffer => Buffer.from(`event: e\ndata: ${n}${"x".repeat(size)}\n\n`);

test("events of one turn of the loop are one write, of one buffer for all readers of the same events", async () => {
  const [one, two, other] = [await reader(), await reader(), await reader()];
  const frames = [frame(1), frame(2), frame(3)];
  for (const each of frames) for (const { stream } of streams.slice(0, 2)) stream.write(each);
  streams[2]?.stream.write(frames[1] as Buffer);
  streams[2]?.stream.write(frames[2] as Buffer);
  for (const { stream } of streams) stream.close();
  await Promise.all([one, two, other].map(({ socket }) => once(socket, "close")));
  const bodyOf = (each: typeof one): string => each.text().split("retry: 1000\n\n")[1] ?? "";
  expect(bodyOf(one)).toBe(frames.join(""));
  expect(bodyOf(two)).toBe(frames.join(""));
  expect(bodyOf(other)).toBe(frames.slice(1).join(""));
  expect(ended).toBe(3);
});

test("readers of the same frames share the bytes", async () => {
  const readers = [await reader(), await reader()];
  const frames = [frame(1), frame(2)];
  for (const each of frames) for (const { stream } of streams) expect(stream.write(each)).toBe(true);
  await Promise.all(readers.map(({ socket }) => once(socket, "data")));
  const [one, two] = streams.map(({ written }) => written);
  expect(one).toHaveLength(1);
  expect(one?.[0]?.toString()).toBe(frames.join(""));
  expect(two?.[0]).toBe(one?.[0]);
});

test("a reader that does not read is disconnected, and has the beginning of what was sent", async () => {
  const slow = await reader();
  const { stream } = streams[0] as (typeof streams)[0];
  slow.socket.pause();
  let count = 0;
  while (stream.write(frame(count, 100_000))) count++;
  // All in one turn of the loop: the backlog is bounded, and what the kernel has accepted is not lost.
  expect(count).toBeGreaterThan(40);
  expect(count).toBeLessThan(1000);
  expect(stream.write(frame(0))).toBe(false);
  const gone = once(slow.socket, "close");
  slow.socket.on("error", () => {}); // The test checks that it ends, not why.
  slow.socket.resume();
  await gone;
  expect(slow.text()).toContain("data: 0x");
  expect(slow.text()).not.toContain(`data: ${count}x`);
});
