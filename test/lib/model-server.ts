import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { rehearsalUpstream } from "../../src/gateway/anthropic/rehearsal/rehearsal.ts";
import { parseScenario } from "../../src/gateway/anthropic/rehearsal/scenario.ts";

/** A model API on loopback that plays a scenario: the API of a live hive in tests. Keeps the headers of its requests. */
export class ModelServer {
  readonly seen: { path: string; headers: IncomingMessage["headers"]; body: Record<string, unknown> }[] = [];
  readonly #server: Server;

  constructor(rules: unknown[]) {
    const upstream = rehearsalUpstream([parseScenario(JSON.stringify({ name: "live", rules }), "test")]);
    this.#server = createServer((incoming, outgoing) => {
      void (async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of incoming) chunks.push(chunk as Buffer);
        const raw = Buffer.concat(chunks);
        const body = JSON.parse(raw.toString()) as never;
        this.seen.push({ path: incoming.url ?? "", headers: incoming.headers, body });
        const path = incoming.url?.startsWith("/v1/messages/count_tokens") ? "/v1/messages/count_tokens" : "/v1/messages";
        const reply = await upstream({
          agent: { id: "a", name: "hm1nd" },
          credential: "default",
          path,
          headers: {},
          raw,
          body,
          signal: new AbortController().signal,
        });
        outgoing.writeHead(reply.status, reply.headers);
        for await (const chunk of reply.body) outgoing.write(chunk);
        outgoing.end();
      })().catch(() => outgoing.destroy());
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
