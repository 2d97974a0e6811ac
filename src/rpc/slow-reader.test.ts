import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { serveLines } from "./server.ts";
import { MAX_AGENT_BYTES_IN_FLIGHT } from "../wire/limits.ts";

const MIB = 1024 * 1024;
/** More lines than fit into what may be queued for a peer. */
const LINES = 40;

let close: () => Promise<void>;
afterEach(() => close());

/** A connection that has asked for a stream of these lines. `over` resolves when the stream has ended. */
async function streaming(lines: () => Iterable<string>): Promise<{ socket: Socket; over: Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "slow-"));
  let stopped = (): void => {};
  const over = new Promise<void>((resolve) => (stopped = resolve));
  const server = await serveLines({
    path: join(folder, "s.sock"),
    mode: 0o600,
    callers: ["operator"],
    ordered: true,
    maxConnections: 4,
    maxBytesInFlight: MAX_AGENT_BYTES_IN_FLIGHT,
    async *dispatch() {
      try {
        for (const filler of lines()) yield await Promise.resolve({ filler });
      } finally {
        stopped();
      }
    },
    onUnexpected(error) {
      throw error;
    },
  });
  const socket = connect(server.path);
  close = async () => {
    socket.destroy();
    await server.close();
    rmSync(folder, { recursive: true });
  };
  await once(socket, "connect");
  socket.write('{"cmd":"watch"}\n');
  return { socket, over };
}

test("a stream waits for a peer that reads slowly, and loses nothing", async () => {
  let offered = 0;
  let received = 0;
  let mostAhead = 0;
  const { socket, over } = await streaming(function* () {
    for (let n = 0; n < LINES; n++) {
      offered += MIB;
      mostAhead = Math.max(mostAhead, offered - received);
      yield "x".repeat(MIB);
    }
  });
  socket.on("data", (chunk: Buffer) => {
    received += chunk.length;
    // Reads one piece in each turn of the loop.
    socket.pause();
    setImmediate(() => socket.resume());
  });
  await over;
  while (received < LINES * MIB) await once(socket, "data");
  expect(mostAhead).toBeLessThanOrEqual(4 * MIB);
});

test("a stream ends when its peer goes without having read it", async () => {
  const { socket, over } = await streaming(function* () {
    for (;;) yield "x".repeat(MIB);
  });
  await once(socket, "readable");
  socket.destroy();
  await over;
});
