import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { LATEST_PROTOCOL_VERSION, SUPPORTED_PROTOCOL_VERSIONS, type Tool } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { HiveError, parseOrThrow } from "../../wire/error.ts";
import type { ToolAnswer } from "./tools.ts";

const Params = z.record(z.string(), z.unknown());
/** A message of a client: requests have an id and a method, notifications have no id. */
const Incoming = z.object({
  id: z.union([z.string(), z.number()]).optional(),
  method: z.string(),
  params: Params.optional(),
});
const InitializeParams = z.object({ protocolVersion: z.string() });
const CallParams = z.object({ name: z.string(), arguments: Params.optional() });
const CancelledParams = z.object({ requestId: z.union([z.string(), z.number()]) });

/** JSON-RPC's error codes (https://www.jsonrpc.org/specification, 5.1). */
const METHOD_NOT_FOUND = -32601;
const INVALID_PARAMS = -32602;
const INTERNAL_ERROR = -32603;

export interface Offered {
  /** The tools in the form that the client sees. */
  tools: readonly Tool[];
  /** Runs a tool. A refusal is an answer. An exception is a defect. */
  call(name: string, args: Record<string, unknown>): Promise<ToolAnswer>;
}

/**
 * The part of MCP that a server with only tools needs, over the transport that the Agent SDK connects
 * (docs/message-path.md). The library's server parses a call six times. This one parses it once, and the
 * tool parses its arguments once.
 */
export class ToolServer {
  readonly #name: string;
  readonly #offered: Offered;
  /** Requests without an answer so far. */
  readonly #pending = new Set<string | number>();
  #transport: Transport | undefined;

  constructor(name: string, offered: Offered) {
    this.#name = name;
    this.#offered = offered;
  }

  /** Cast to the Agent SDK's type. The SDK only calls `connect` and `close` on a server. */
  get instance(): McpServer {
    return this as unknown as McpServer;
  }

  async connect(transport: Transport): Promise<void> {
    this.#transport = transport;
    transport.onmessage = (message) => this.#receive(message);
    await transport.start();
  }

  async close(): Promise<void> {
    await this.#transport?.close();
  }

  #receive(message: unknown): void {
    const { data } = Incoming.safeParse(message);
    // A response without a request, or a message that cannot be answered.
    if (!data) return;
    const { id, method, params = {} } = data;
    if (id !== undefined) return void this.#answer(id, method, params);
    if (method !== "notifications/cancelled") return;
    const cancelled = CancelledParams.safeParse(params);
    if (cancelled.success) this.#pending.delete(cancelled.data.requestId);
  }

  async #answer(id: string | number, method: string, params: Record<string, unknown>): Promise<void> {
    this.#pending.add(id);
    let answer;
    try {
      answer = { result: await this.#result(method, params) };
    } catch (error) {
      answer = { error: explain(error) };
    }
    // A cancelled request gets no answer. If an answer cannot be sent, the client has disconnected.
    if (this.#pending.delete(id)) await this.#transport?.send({ jsonrpc: "2.0", id, ...answer }).catch(() => {});
  }

  #result(method: string, params: Record<string, unknown>): Record<string, unknown> | Promise<ToolAnswer> {
    switch (method) {
      case "tools/call": {
        const { name, arguments: args = {} } = parseOrThrow(CallParams, params);
        return this.#offered.call(name, args);
      }
      case "tools/list":
        return { tools: this.#offered.tools };
      case "initialize": {
        const { protocolVersion: asked } = parseOrThrow(InitializeParams, params);
        return {
          protocolVersion: SUPPORTED_PROTOCOL_VERSIONS.includes(asked) ? asked : LATEST_PROTOCOL_VERSION,
          capabilities: { tools: {} },
          serverInfo: { name: this.#name, version: "1" },
        };
      }
      case "ping":
        return {};
      default:
        throw new HiveError("not_found", `there is no method ${method}`);
    }
  }
}

function explain(error: unknown): { code: number; message: string } {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof HiveError)) return { code: INTERNAL_ERROR, message };
  return { code: error.code === "not_found" ? METHOD_NOT_FOUND : INVALID_PARAMS, message };
}
