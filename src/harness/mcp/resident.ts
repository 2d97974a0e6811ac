import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { CallToolRequestSchema, ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import type { ExtraMcpServer } from "../../wire/config.ts";

/** First and longest pause before a server that ended is restarted. Milliseconds. */
const FIRST_RESTART_MS = 1_000;
const MOST_RESTART_MS = 60_000;
/** A server that stays up this long has recovered. Milliseconds. */
const RECOVERED_MS = 60_000;

interface Resident {
  client: Client | undefined;
  failures: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * MCP servers that run as long as the cage, such as a chat bridge or a webhook that wakes its agent. They are children
 * of the harness and are restarted when they end. Each CLI process reaches them through an in-process server of the
 * same name.
 */
export class Residents {
  readonly #servers: Record<string, ExtraMcpServer>;
  readonly #env: Record<string, string>;
  readonly #log: (words: string) => void;
  readonly #residents = new Map<string, Resident>();
  #closed = false;

  constructor(servers: Record<string, ExtraMcpServer>, env: Record<string, string>, log: (words: string) => void) {
    this.#servers = Object.fromEntries(Object.entries(servers).filter(([, server]) => server.resident));
    this.#env = env;
    this.#log = log;
  }

  get count(): number {
    return Object.keys(this.#servers).length;
  }

  /** Starts all of them. A server that fails to start is retried later and does not block the others. */
  async start(): Promise<void> {
    await Promise.all(Object.keys(this.#servers).map((name) => this.#start(name)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(
      [...this.#residents.values()].map(async (resident) => {
        clearTimeout(resident.timer);
        await resident.client?.close();
      }),
    );
  }

  async #start(name: string): Promise<void> {
    const server = this.#servers[name];
    if (!server || this.#closed) return;
    const resident = this.#residents.get(name) ?? { client: undefined, failures: 0, timer: undefined };
    this.#residents.set(name, resident);
    const client = new Client({ name: "hive-ag3nt", version: "1" });
    const startedAt = performance.now();
    client.onclose = () => {
      resident.client = undefined;
      if (this.#closed || resident.timer) return;
      resident.failures = performance.now() - startedAt > RECOVERED_MS ? 1 : resident.failures + 1;
      const pause = Math.min(FIRST_RESTART_MS * 2 ** (resident.failures - 1), MOST_RESTART_MS);
      this.#log(`the resident server ${name} ended; it starts again in ${pause / 1000} s`);
      resident.timer = setTimeout(() => {
        resident.timer = undefined;
        this.#start(name).catch((error: unknown) => this.#log(`the resident server ${name}: ${String(error)}`));
      }, pause);
    };
    try {
      await client.connect(
        new StdioClientTransport({
          command: server.command,
          args: server.args,
          env: { ...this.#env, ...server.env },
          cwd: "/state",
          stderr: "inherit",
        }),
      );
      resident.client = client;
      this.#log(`the resident server ${name} runs`);
    } catch (error) {
      this.#log(`the resident server ${name} did not start: ${error instanceof Error ? error.message : String(error)}`);
      await client.close().catch(() => {}); // It never ran, so there may be nothing to close.
    }
  }

  /** An in-process server that represents a resident server to one CLI process. */
  serverFor(name: string): McpServer {
    const server = new McpServer({ name, version: "1" }, { capabilities: { tools: {} } });
    server.server.setRequestHandler(ListToolsRequestSchema, async () => {
      const listed = await this.#live(name).listTools();
      return { tools: listed.tools.map((tool) => ({ ...tool, _meta: { ...tool._meta, "anthropic/alwaysLoad": true } })) };
    });
    server.server.setRequestHandler(CallToolRequestSchema, async ({ params }) => this.#live(name).callTool(params));
    return server;
  }

  #live(name: string): Client {
    const client = this.#residents.get(name)?.client;
    if (!client) throw new Error(`the server ${name} is down and is being restarted: try again in a moment`);
    return client;
  }
}
