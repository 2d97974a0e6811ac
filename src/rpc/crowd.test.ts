import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { connectLines } from "./client.ts";
import { serveLines } from "./server.ts";
import { MAX_AGENT_BYTES_IN_FLIGHT } from "../wire/limits.ts";

/** The limit of connections, and a crowd that arrives in waves. */
const SERVED = 64;
const CROWD = 10_000;
const WAVE = 500;

test("of 10,000 connections that never hang up, 64 are served and the others are refused with a reason and closed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "crowd-"));
  const path = join(folder, "s.sock");
  const server = await serveLines({
    path,
    mode: 0o600,
    callers: ["agent"],
    ordered: false,
    maxConnections: SERVED,
    maxBytesInFlight: MAX_AGENT_BYTES_IN_FLIGHT,
    dispatch: () => Promise.resolve({}),
    onUnexpected(error) {
      throw error;
    },
  });
  const served: Socket[] = [];
  const first = await connectLines(path);
  for (let n = 1; n < SERVED; n++) {
    const socket = connect(path);
    await once(socket, "connect");
    served.push(socket);
  }
  await first.call("set_status", { text: "in" });
  let refused = 0;
  const turnedAway = async (): Promise<void> => {
    const socket = connect({ path, allowHalfOpen: true });
    let words = "";
    socket.on("data", (chunk: Buffer) => (words += chunk.toString()));
    await once(socket, "end");
    expect(words).toContain(`more than ${SERVED} connections`);
    // The daemon has closed its end, so a write fails.
    const failed = once(socket, "error");
    socket.write("x");
    await failed;
    socket.destroy();
    refused++;
  };
  for (let n = 0; n < CROWD; n += WAVE) await Promise.all(Array.from({ length: WAVE }, turnedAway));
  expect(refused).toBe(CROWD);
  // The connection that was served still is.
  await first.call("set_status", { text: "still in" });
  first.close();
  for (const socket of served) socket.destroy();
  await server.close();
  rmSync(folder, { recursive: true });
});
