import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { openEventStream, type EventStream } from "../../src/daemon/http/events.ts";
import { rawSecurityHeaders } from "../../src/daemon/http/headers.ts";
import { pageWithState } from "../../src/daemon/http/start-page.ts";
import { HiveError } from "../../src/wire/error.ts";
import type { HiveEvent, StateSnapshot } from "../../src/wire/event.ts";
import type { Input, OperationName, Output } from "../../src/wire/operations.ts";

const UI = join(process.cwd(), "dist/ui");
const TYPES: Record<string, string> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  png: "image/png",
  webmanifest: "application/manifest+json",
};

type Answers = { [N in OperationName]?: (input: Input<N>) => Output<N> | Promise<Output<N>> };

/**
 * The built interface over made-up data, for states that a real hive reaches rarely or never at the same time. It
 * serves the same bytes under the same policy as the daemon, and answers calls from `state` and `answers`.
 */
export class FixtureHive {
  state: StateSnapshot;
  readonly answers: Answers;
  /** Every call, in order. */
  readonly calls: { name: string; input: Record<string, unknown> }[] = [];
  readonly #streams = new Set<EventStream>();
  #isAway = false;
  readonly #server: Server;

  constructor(state: StateSnapshot, answers: Answers = {}) {
    this.state = state;
    this.answers = answers;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        const words = error instanceof Error ? error.message : String(error);
        const code = error instanceof HiveError ? error.code : "internal";
        response.writeHead(error instanceof HiveError ? 409 : 500, { "Content-Type": "application/json" });
        response.end(JSON.stringify({ version: 1, ok: false, error: words, code }));
      });
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }
  get home(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Sends an event to every page. */
  tell(event: HiveEvent): void {
    const id = "seq" in event ? `id: ${event.seq}\n` : "";
    const frame = Buffer.from(`${id}event: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`);
    for (const stream of this.#streams) stream.write(frame);
  }
  /** Closes every event stream, as a restart of the daemon does. */
  cut(): void {
    for (const stream of this.#streams) stream.close();
  }
  /** Becomes unreachable, like a daemon that restarts, until `comeBack`. */
  goAway(): void {
    this.#isAway = true;
    this.cut();
  }
  comeBack(): void {
    this.#isAway = false;
  }
  called(name: OperationName): Record<string, unknown>[] {
    return this.calls.filter((call) => call.name === name).map((call) => call.input);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#isAway) {
      request.destroy();
      return;
    }
    const path = new URL(request.url ?? "/", this.home).pathname;
    if (path === "/api/events") {
      const stream = openEventStream(response, () => this.#streams.delete(stream));
      this.#streams.add(stream);
      return;
    }
    if (path === "/api/state") return json(response, { version: 1, ok: true, state: this.state });
    if (path.startsWith("/api/")) {
      const name = path.slice(5) as OperationName;
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const input = JSON.parse(Buffer.concat(chunks).toString() || "{}") as Record<string, unknown>;
      this.calls.push({ name, input });
      const answer = this.answers[name] as ((input: never) => object | Promise<object>) | undefined;
      return json(response, { version: 1, ok: true, ...(answer ? await answer(input as never) : (EMPTY[name] ?? {})) });
    }
    const file = /\.[a-z]+$/.test(path) ? path : path === "/login" ? "/login.html" : "/index.html";
    let content: Buffer;
    try {
      content = readFileSync(join(UI, file));
    } catch {
      // No such file.
      response.writeHead(404).end();
      return;
    }
    const type = TYPES[file.split(".").at(-1) ?? ""] ?? "application/octet-stream";
    response.writeHead(200, { ...rawSecurityHeaders, "Content-Type": type, "Content-Encoding": "gzip" });
    const page = file === "/index.html" ? pageWithState(content.toString("utf8"), this.state) : content;
    response.end(gzipSync(page));
  }
}

/** The answers of a hive without history. */
const EMPTY: { [N in OperationName]?: object } = {
  turn_events: { events: [], more: false },
  messages: { messages: [] },
  inbox: { messages: [], unread: 0, read_up_to: 0 },
  approvals: { approvals: [] },
  changes: { changes: [] },
  deploys: { deploys: [] },
  meta: { inputs: [] },
  turns: { turns: [] },
  usage: {
    rows: [],
    total: { requests: 0, tokens: { input: 0, output: 0, cache_read: 0, cache_write: 0 }, cost_usd: 0, unpriced: 0 },
    more: false,
  },
  egress: { connections: [] },
  tombstones: { agents: [] },
  search: { messages: [], indexing: false },
  statistics: { total: { turns: 0, failed: 0, tokens: 0, cost_usd: 0, unpriced: 0, p50_ms: 0, p95_ms: 0 }, buckets: [] },
};

function json(response: ServerResponse, body: object): void {
  response.writeHead(200, { ...rawSecurityHeaders, "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(JSON.stringify(body));
}

/** A page over a fixture, and its errors: script errors and violations of the policy. */
export async function openPage(
  browser: Browser,
  hive: FixtureHive,
  path = "/",
  options: Parameters<Browser["newContext"]>[0] = {},
): Promise<{ context: BrowserContext; page: Page; problems: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const problems: string[] = [];
  const page = await context.newPage();
  page.on("console", (line) => line.type() === "error" && problems.push(line.text()));
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(`${hive.home}${path}`);
  await page.waitForSelector("#app > main, #app main");
  return { context, page, problems };
}
