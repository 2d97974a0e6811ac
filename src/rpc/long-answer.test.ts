import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { onUnexpected } from "../../test/lib/unexpected.ts";
import { MAX_AGENT_BYTES_IN_FLIGHT, MAX_ANSWER_BYTES } from "../wire/limits.ts";
import { connectLines } from "./client.ts";
import { serveLines } from "./server.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "long-"));
  path = join(folder, "s.sock");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A daemon that answers everything with one line over the limit. */
async function longWinded(): Promise<{ close(): void }> {
  const server = createServer((socket) => {
    socket.on("error", () => {}); // The client hangs up in the middle of the line.
    socket.once("data", () => socket.write(`{"version":1,"ok":true,"filler":"${"x".repeat(MAX_ANSWER_BYTES)}"}\n`));
  });
  server.listen(path);
  await once(server, "listening");
  return server;
}

test("a client says of an answer that is too long that it is too long, not that the daemon has stopped", async () => {
  const server = await longWinded();
  const client = await connectLines(path, { ordered: true });
  await expect(client.call("questions", {})).rejects.toMatchObject({
    code: "too_large",
    message: expect.stringContaining("ask for less") as string,
  });
  server.close();
});

test("the same for a line of a stream", async () => {
  const server = await longWinded();
  const client = await connectLines(path, { ordered: true });
  const read = async (): Promise<void> => {
    for await (const _ of client.stream("watch", {})) return;
  };
  await expect(read()).rejects.toMatchObject({ code: "too_large" });
  server.close();
});

test("a daemon refuses an answer that no client would read, and the connection goes on", async () => {
  const server = await serveLines({
    path,
    mode: 0o600,
    callers: ["operator"],
    ordered: true,
    maxConnections: 4,
    maxBytesInFlight: MAX_AGENT_BYTES_IN_FLIGHT,
    // One control character is six bytes of JSON.
    dispatch: (name) => Promise.resolve({ agents: name === "list" ? [] : ["\u0001".repeat(MAX_ANSWER_BYTES / 6 + 1)] }),
    onUnexpected,
  });
  const client = await connectLines(path, { ordered: true });
  await expect(client.call("tombstones", {})).rejects.toMatchObject({ code: "too_large" });
  expect(await client.call("list", {})).toMatchObject({ agents: [] });
  client.close();
  await server.close();
});
