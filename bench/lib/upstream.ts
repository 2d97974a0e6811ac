import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { nanoseconds, ready, startRole, type Child } from "./child.ts";

/** The upstream's report: the request with this mark has arrived with its whole body. */
interface Arrival {
  mark: number;
  at: number;
}

/** The mark in a message. Histories contain older marks; the highest in a request is the newest message's. */
export const markOf = (nth: number): string => `mark-${nth}-end`;
const MARK = /mark-(\d+)-end/g;
const WORDS = "Done.";

/** A model API on loopback that answers every request at once with a word, and reports when each arrived. */
export function upstream(): void {
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const at = nanoseconds();
      const text = Buffer.concat(chunks).toString("utf8");
      const marks = [...text.matchAll(MARK)].map((found) => Number(found[1]));
      if (incoming.url?.startsWith("/v1/messages/count_tokens")) {
        outgoing.writeHead(200, { "content-type": "application/json" }).end('{"input_tokens":100}');
        return;
      }
      if (marks.length > 0) process.send?.({ mark: Math.max(...marks), at } satisfies Arrival);
      const { model } = JSON.parse(text) as { model: string };
      outgoing.writeHead(200, { "content-type": "text/event-stream" });
      outgoing.end(answer(model));
    });
  });
  server.keepAliveTimeout = 10 * 60_000;
  server.listen(0, "127.0.0.1", () => {
    ready();
    process.send?.({ port: (server.address() as AddressInfo).port });
  });
}

function answer(model: string): string {
  const usage = { input_tokens: 100, output_tokens: 2, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 };
  const message = { id: "msg_bench", type: "message", role: "assistant", model, content: [], usage };
  const event = (type: string, data: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
  return [
    event("message_start", { message: { ...message, stop_reason: null, stop_sequence: null } }),
    event("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
    event("content_block_delta", { index: 0, delta: { type: "text_delta", text: WORDS } }),
    event("content_block_stop", { index: 0 }),
    event("message_delta", { delta: { stop_reason: "end_turn", stop_sequence: null }, usage }),
    event("message_stop", {}),
  ].join("");
}

/** The upstream in a separate process, with the arrival times of marks. */
export interface UpstreamChild {
  url: string;
  /** When the first request with this mark arrived. Call it before sending the mark. */
  arrival(nth: number): Promise<number>;
  stop(): Promise<void>;
}

export async function startUpstream(): Promise<UpstreamChild> {
  const waiting = new Map<number, (at: number) => void>();
  let told: (port: number) => void = () => {};
  const port = new Promise<number>((resolve) => (told = resolve));
  const child: Child = await startRole("upstream", []);
  child.onMessage((message: Arrival | { port: number }) => {
    if ("port" in message) return told(message.port);
    waiting.get(message.mark)?.(message.at);
    waiting.delete(message.mark);
  });
  return {
    url: `http://127.0.0.1:${await port}`,
    arrival: (nth) => new Promise((resolve) => waiting.set(nth, resolve)),
    stop: child.stop,
  };
}
