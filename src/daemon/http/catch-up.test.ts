import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openBus } from "../../../test/lib/bus.ts";
import { openStoreIn } from "../../../test/lib/store.ts";
import { onUnexpected } from "../../../test/lib/unexpected.ts";
import { Feed } from "../../eventlog/feed.ts";
import { Broker } from "../../messages/broker.ts";
import type { Directory, Principal } from "../../messages/directory.ts";
import type { Store } from "../../store/store.ts";
import { MAX_BODY_BYTES, MAX_EVENT_BYTES } from "../../wire/limits.ts";
import { storeReplay } from "../replay.ts";
import { openEventStream } from "./events.ts";

/** Tests of a reader of the event stream that reconnects after a gap, with a real store, feed and response. */

const ada: Principal = { id: "id-ada", name: "ada" };
const directory: Directory = { byName: () => ada, byId: () => ada, live: () => [ada], nameOf: (id) => id.replace("id-", "") };
let folder: string;
let store: Store;
let feed: Feed;
let broker: Broker;
let server: Server;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "catch-up-"));
  store = openStoreIn(folder);
  feed = new Feed(storeReplay(store, directory, {} as never, {} as never), () => store.seq);
  broker = new Broker({ store, feed, directory, bus: openBus(), maxHops: 3, leaseGraceMs: 60_000, onUnexpected });
  server = createServer((request, response) => {
    const after = Number(new URL(request.url ?? "", "http://x").searchParams.get("after"));
    let stop = (): void => {};
    const stream = openEventStream(response, () => stop());
    stop = feed.subscribe({ after }, (frame) => stream.write(frame.sse));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  broker.stop();
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Reads the stream from a position until one of `words` arrives or the server disconnects. */
async function read(after: number, ...words: string[]): Promise<string> {
  const socket: Socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  let text = "";
  const over = new Promise<void>((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (words.some((one) => text.includes(one))) resolve();
    });
    socket.on("close", () => resolve());
    socket.on("error", () => {}); // The test checks that it ends, not why.
  });
  socket.write(`GET /?after=${after} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await over;
  socket.destroy();
  return text;
}

const send = (body: string): Promise<unknown> => broker.send({ id: "operator" }, { to: "ada", body });
const kinds = (text: string): string[] => [...text.matchAll(/^event: (.*)$/gm)].map(([, kind]) => kind ?? "");

test("a reader that is many large turn events behind gets a reset, and follows from there", async () => {
  const since = store.seq;
  const event = { type: "text", text: "x".repeat(MAX_EVENT_BYTES - 100) } as const;
  await store.write(() => {
    for (let n = 0; n < 40; n++) store.turns.note(ada.id, "ada", store.nextSeq(), Date.now(), event);
  });
  const reset = `event: reset\ndata: {"kind":"reset","seq":${store.seq}}`;
  expect(await read(since, reset)).toContain(reset);
  await send("after the gap");
  const text = await read(store.seq - 1, "after the gap");
  expect(kinds(text)).toEqual(["message"]);
});

test("a reader that is many large messages behind converges", async () => {
  const since = store.seq;
  for (let n = 0; n < 20; n++) await send("x".repeat(MAX_BODY_BYTES));
  await send("the last");
  // Their previews fit into one replay.
  expect(kinds(await read(since, "the last", "event: reset"))).toEqual(Array<string>(21).fill("message"));
});

test("a replay of control characters, six bytes each on the wire, is measured by its bytes on the wire", async () => {
  const since = store.seq;
  const event = { type: "text", text: "\u0001".repeat(MAX_EVENT_BYTES / 6) } as const;
  await store.write(() => {
    for (let n = 0; n < 20; n++) store.turns.note(ada.id, "ada", store.nextSeq(), Date.now(), event);
  });
  expect(kinds(await read(since, "event: reset"))).toEqual(["reset"]);
});

test("a reader that is a little behind gets exactly what it missed", async () => {
  const since = store.seq;
  for (const body of ["one", "two", "three"]) await send(body);
  expect(kinds(await read(since, "three"))).toEqual(["message", "message", "message"]);
});
