import { createAdaptorServer } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import { streamSSE, type SSEStreamingApi } from "hono/streaming";
import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import { openEventStream } from "../../src/daemon/http/events.ts";
import { Feed } from "../../src/eventlog/feed.ts";
import type { HiveEvent } from "../../src/wire/event.ts";
import { startRole, type Child } from "../lib/child.ts";
import type { Row } from "../lib/row.ts";
import { interleave, median } from "../lib/stats.ts";

const BROWSERS = 100;
/** Events of one slice, in bursts as a commit of several brings them. */
const EVENTS = 400;
const BURST = 20;

/** One event to a hundred browsers: our feed against the web framework's own stream helper. Processor time of the server. */
export const fanOut: Row = {
  name: "fan-out",
  async run({ quick }) {
    const feed = new Feed(
      () => [],
      () => 0,
    );
    const helpers = new Set<SSEStreamingApi>();
    const app = new Hono<{ Bindings: HttpBindings }>();
    app.get("/feed", (c) => {
      let stop = (): void => {};
      const stream = openEventStream(c.env.outgoing, () => stop());
      stop = feed.subscribe({}, (frame) => stream.write(frame.sse));
      return RESPONSE_ALREADY_SENT;
    });
    app.get("/helper", (c) =>
      streamSSE(c, async (stream) => {
        helpers.add(stream);
        await stream.write("retry: 1000\n\n");
        await new Promise<void>((resolve) => stream.onAbort(resolve));
      }),
    );
    const server = createAdaptorServer({ fetch: app.fetch }) as Server;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const children: Child[] = [];
    try {
      for (const path of ["/feed", "/helper"]) children.push(await startRole("listeners", [`${port}`, `${BROWSERS}`, path]));
      const [ofFeed, ofHelper] = children;
      if (!ofFeed || !ofHelper) throw new Error("unreachable");
      const ours = slice(ofFeed, async (event) => feed.publish(event));
      const theirs = slice(ofHelper, async (event) => {
        const data = JSON.stringify(event);
        await Promise.all([...helpers].map((stream) => stream.writeSSE({ id: "1", event: event.kind, data })));
      });
      const seen = await interleave({ ours, theirs }, quick ? 4 : 10);
      const rate = (slices: number[][]): string => `${(1000 / median(slices.flat())).toPrecision(3)} M/s`;
      return [
        {
          what: `an event to ${BROWSERS} browsers, against the web framework's stream helper`,
          value: median(seen.theirs.map((one, at) => (one[0] ?? 0) / (seen.ours[at]?.[0] ?? 1))),
          unit: "×",
          reach: { least: 10 },
          detail: `${rate(seen.ours)} / ${rate(seen.theirs)} deliveries per second of processor time`,
        },
      ];
    } finally {
      for (const child of children) await child.stop();
      server.close();
    }
  },
};

/** Processor time in nanoseconds per delivery, until the listeners have what was sent. */
function slice(child: Child, publish: (event: HiveEvent) => Promise<void>): () => Promise<number[]> {
  const bytes = (): Promise<number> =>
    new Promise((resolve) => {
      child.process.once("message", (message: { bytes: number }) => resolve(message.bytes));
      child.send({});
    });
  const event: HiveEvent = { kind: "delta", agent: "bench", delta: { kind: "text", text: "z".repeat(200) } };
  const least = EVENTS * BROWSERS * JSON.stringify(event).length;
  return async () => {
    const before = await bytes();
    const cpu = process.cpuUsage();
    for (let nth = 0; nth < EVENTS; nth += BURST) {
      await Promise.all(Array.from({ length: BURST }, () => publish(event)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    while ((await bytes()) - before < least) await new Promise((resolve) => setTimeout(resolve, 2));
    const { user, system } = process.cpuUsage(cpu);
    return [((user + system) * 1000) / (EVENTS * BROWSERS)];
  };
}
