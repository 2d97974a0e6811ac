import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { serveLines } from "./server.ts";
import { MAX_AGENT_BYTES_IN_FLIGHT } from "../wire/limits.ts";

const MIB = 1024 * 1024;

test("a peer that opens a stream and never reads is disconnected before more than 18 MiB are queued for it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "slow-"));
  let offered = 0;
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
        // Offers as much as the server takes; bounded, so that the test ends.
        for (let n = 0; n < 1000; n++) {
          offered += MIB;
          yield await Promise.resolve({ filler: "x".repeat(MIB) });
        }
      } finally {
        stopped();
      }
    },
    onUnexpected(error) {
      throw error;
    },
  });
  const socket = connect(server.path);
  await once(socket, "connect");
  socket.pause();
  socket.write('{"cmd":"watch"}\n');
  await over;
  expect(offered).toBeLessThanOrEqual(18 * MIB);
  socket.destroy();
  await server.close();
  rmSync(folder, { recursive: true });
});
