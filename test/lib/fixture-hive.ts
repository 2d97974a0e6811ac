import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
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
  #server: Server | undefined;

  constructor(state: StateSnapshot, answers: Answers = {}) {
    this.state = state;
    this.answers = answers;
  }

  async start(): Promise<this> {
    this.#server = parked.pop() ?? (await listen());
    this.#server.ref().on("request", (request: IncomingMessage, response: ServerResponse) => {
      this.#answer(request, response).catch((error: unknown) => {
        const words = error instanceof Error ? error.message : String(error);
        const code = error instanceof HiveError ? error.code : "internal";
        response.writeHead(error instanceof HiveError ? 409 : 500, { "Content-Type": "application/json" });
        response.end(JSON.stringify({ version: 1, ok: false, error: words, code }));
      });
    });
    return this;
  }
  get home(): string {
    if (!this.#server) throw new Error("the hive has not been started");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  /** Ends all connections. The next hive has the same port, so that a browser has the interface in its cache. */
  stop(): Promise<void> {
    if (this.#server) {
      this.#server.closeAllConnections();
      parked.push(this.#server.removeAllListeners("request").unref());
      this.#server = undefined;
    }
    return Promise.resolve();
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
    const file = /\.[a-z]+$/.test(path) ? path : path === "/login" ? "/login.html" : APP;
    if (file === APP) {
      const headers = { ...rawSecurityHeaders, "Content-Type": TYPES["html"], "Cache-Control": "no-store" };
      response.writeHead(200, headers).end(pageWithState(app(), this.state));
      return;
    }
    const asset = assetOf(file);
    if (asset) response.writeHead(200, asset.headers).end(asset.gzip);
    else response.writeHead(404).end();
  }
}

/** Listening servers of hives that have stopped. */
const parked: Server[] = [];
async function listen(): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

const APP = "/index.html";
let appText: string | undefined;
const app = (): string => (appText ??= readFileSync(join(UI, APP), "utf8"));

interface Asset {
  headers: Record<string, string>;
  gzip: Buffer;
}
/** The files that were sent, compressed once for all hives of a worker. */
const assets = new Map<string, Asset>();

/** A file of the interface, with the headers that the daemon gives it. Undefined if there is none of that name. */
function assetOf(file: string): Asset | undefined {
  const known = assets.get(file);
  if (known) return known;
  let content: Buffer;
  try {
    content = readFileSync(join(UI, file));
  } catch {
    // No such file.
    return undefined;
  }
  const headers = {
    ...rawSecurityHeaders,
    "Content-Type": TYPES[file.split(".").at(-1) ?? ""] ?? "application/octet-stream",
    "Content-Encoding": "gzip",
    "Cache-Control": file.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache",
  };
  const asset = { headers, gzip: gzipSync(content) };
  assets.set(file, asset);
  return asset;
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
    time_zone: "UTC",
    total: { requests: 0, tokens: { input: 0, output: 0, cache_read: 0, cache_write: 0 }, cost_usd: 0, unpriced: 0 },
    more: false,
  },
  change_usage: { since: "2026-10-26", until: "2026-11-24", time_zone: "UTC", rows: [], more: false },
  loops: { loops: [], limit: { usd: 1, output_tokens: 100_000 } },
  usage_sums: {
    since: "2026-10-26",
    until: "2026-11-24",
    time_zone: "UTC",
    rows: [],
    total: { requests: 0, tokens: { input: 0, output: 0, cache_read: 0, cache_write: 0 }, cost_usd: 0, unpriced: 0 },
    more: false,
  },
  egress: { connections: [] },
  tombstones: { agents: [] },
  workspaces: { workspaces: [] },
  file_list: { entries: [], more: 0 },
  file_read: { file: { path: "/state/notes.md", bytes: 0, shows: "text", text: "" } },
  passkeys: { passkeys: [], required: false, place: { why: "the fixture has no name" } },
  credentials: {
    credentials: [
      { name: "default", source: "login", by: "operator", at: "2026-01-31T12:00:00.000Z", agents: ["hm1nd", "scout"] },
      { name: "work", source: "token", kind: "api-key", by: "operator", at: "2026-01-31T12:00:00.000Z", agents: ["poet"] },
    ],
  },
  budget: {
    time_zone: "UTC",
    rows: [
      {
        scope: "hive",
        limit: "cost_per_day_usd",
        allowed: 50,
        used: 12.4,
        from: "operator",
        resets_at: "2026-03-11T00:00:00.000Z",
      },
      {
        scope: "credential",
        credential: "work",
        limit: "output_tokens_per_day",
        allowed: 200_000,
        used: 12_000,
        from: "operator",
      },
      { scope: "default", limit: "turns_per_hour", allowed: 40, from: "default" },
      { scope: "agent", agent: "hm1nd", limit: "turns_per_hour", allowed: 40, used: 3, from: "default" },
      { scope: "agent", agent: "scout", limit: "cost_per_day_usd", allowed: 5, extra: 2, used: 7.1, from: "config" },
      { scope: "change", change: 12, agent: "scout", limit: "cost_per_change_usd", allowed: 20, used: 17, from: "operator" },
    ],
    over: [],
  },
  secrets: { secrets: [{ name: "NPM_TOKEN", set_by: "operator", set_at: "2026-01-31T12:00:00.000Z", uses: [] }] },
  search: { messages: [], indexing: false },
  statistics: { total: { turns: 0, failed: 0, tokens: 0, cost_usd: 0, unpriced: 0, p50_ms: 0, p95_ms: 0 }, buckets: [] },
};

function json(response: ServerResponse, body: object): void {
  response.writeHead(200, { ...rawSecurityHeaders, "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(JSON.stringify(body));
}
