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
import type { Figure, Row } from "../lib/row.ts";
import { interleave, median } from "../lib/stats.ts";

const BROWSERS = 100;
/** Events of one slice, in bursts as a commit of several events makes them; and one at a time, for comparison. */
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
      const toFeed = async (event: HiveEvent): Promise<void> => feed.publish(event);
      const toHelper = async (event: HiveEvent): Promise<void> => {
        const data = JSON.stringify(event);
        await Promise.all([...helpers].map((stream) => stream.writeSSE({ id: "1", event: event.kind, data })));
      };
      const contenders = {
        ours: slice(ofFeed, BURST, toFeed),
        theirs: slice(ofHelper, BURST, toHelper),
        oursAlone: slice(ofFeed, 1, toFeed),
        theirsAlone: slice(ofHelper, 1, toHelper),
      };
      const seen = await interleave(contenders, quick ? 4 : 10);
      const rate = (slices: number[][]): string => `${(1000 / median(slices.flat())).toPrecision(3)} M/s`;
      const figure = (what: string, least: number | undefined, theirs: number[][], ours: number[][]): Figure => ({
        what,
        value: median(theirs.map((one, at) => (one[0] ?? 0) / (ours[at]?.[0] ?? 1))),
        unit: "×",
        ...(least === undefined ? {} : { reach: { least } }),
        detail: `${rate(ours)} / ${rate(theirs)} deliveries per second of processor time`,
      });
      const what = `events to ${BROWSERS} browsers, against the web framework's stream helper`;
      return [
        figure(`${what}, ${BURST} in a commit`, 10, seen.theirs, seen.ours),
        figure("the same, one in a commit", undefined, seen.theirsAlone, seen.oursAlone),
      ];
    } finally {
      for (const child of children) await child.stop();
      server.close();
    }
  },
};

/** Processor time in nanoseconds per delivery, until all listeners have what was sent. */
function slice(child: Child, burst: number, publish: (event: HiveEvent) => Promise<void>): () => Promise<number[]> {
  const bytes = (): Promise<number> =>
    Promise.race([
      new Promise<number>((resolve) => {
        child.process.once("message", (message: { bytes: number }) => resolve(message.bytes));
        child.send({});
      }),
      child.broke,
    ]);
  const event: HiveEvent = { kind: "delta", agent: "bench", delta: { kind: "text", text: "z".repeat(200) } };
  const least = EVENTS * BROWSERS * JSON.stringify(event).length;
  return async () => {
    const before = await bytes();
    const cpu = process.cpuUsage();
    for (let nth = 0; nth < EVENTS; nth += burst) {
      await Promise.all(Array.from({ length: burst }, () => publish(event)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    while ((await bytes()) - before < least) await new Promise((resolve) => setTimeout(resolve, 2));
    const { user, system } = process.cpuUsage(cpu);
    return [((user + system) * 1000) / (EVENTS * BROWSERS)];
  };
}
