import type { IncomingMessage, ServerResponse } from "node:http";
import { once } from "node:events";
import { HiveError, type ErrorCode } from "../../wire/error.ts";
import type { Price } from "../../wire/models.ts";
import { readBody } from "../anthropic/body.ts";
import { upstreamHeaders } from "../anthropic/headers.ts";
import { Meter } from "../anthropic/meter.ts";
import { checkModel } from "../anthropic/models.ts";
import { costOf } from "./prices.ts";
import type { ModelPath, ModelReply, Upstream, UpstreamSignal, Usage } from "./types.ts";

/** Bytes of one request: the API's own limit for messages. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** Bytes of one agent's requests that are buffered at once: a few of the largest, or very many of a usual size. */
const MAX_HELD_BYTES = 96 * 1024 * 1024;

/** The only query that a request may have. The upstream gets it in any case. */
const QUERY = "beta=true";

/** A rate limit that ends within this time is left to the CLI's own retry. Milliseconds. */
const SHORT_LIMIT_MS = 5_000;

export interface ModelProxyDeps {
  upstream: Upstream;
  /** Models that the agent may use: the deployed one and the operator's override. */
  modelsOf(agentId: string): readonly string[];
  prices: Record<string, Price>;
  onUsage(usage: Usage): void;
  onSignal(signal: UpstreamSignal): void;
  onUnexpected(error: unknown): void;
}

const STATUS: Partial<Record<ErrorCode, number>> = {
  bad_request: 400,
  forbidden: 403,
  not_found: 404,
  too_large: 413,
  unavailable: 502,
};
/** The API's own error types, by status. Our refusals are invalid requests: the CLI must not retry them. */
const ERROR_TYPES: Record<number, string> = { 400: "invalid_request_error", 404: "not_found_error", 413: "request_too_large" };

/** Serves one agent's model.sock: checks the request, forwards it with back-pressure, and meters the answer. */
export function modelProxy(agent: { id: string; name: string }, deps: ModelProxyDeps) {
  const held = { bytes: 0 };
  return (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const body = new RequestBody(held);
    answer(agent, deps, incoming, outgoing, body)
      .catch((error: unknown) => {
        if (!(error instanceof HiveError)) deps.onUnexpected(error);
        refuse(outgoing, error);
      })
      .finally(() => body.release());
  };
}

/** The body of one request, counted against the agent's buffer limit until the request ends. */
class RequestBody {
  readonly #held: { bytes: number };
  #size = 0;

  constructor(held: { bytes: number }) {
    this.#held = held;
  }

  async read(incoming: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) {
      this.#size += (chunk as Buffer).length;
      this.#held.bytes += (chunk as Buffer).length;
      if (this.#size > MAX_BODY_BYTES) throw new HiveError("too_large", `a request is at most ${MAX_BODY_BYTES} bytes`);
      if (this.#held.bytes > MAX_HELD_BYTES)
        throw new HiveError("too_large", `the requests of one agent hold at most ${MAX_HELD_BYTES} bytes together`);
      chunks.push(chunk as Buffer);
    }
    return Buffer.concat(chunks);
  }

  release(): void {
    this.#held.bytes -= this.#size;
    this.#size = 0;
  }
}

async function answer(
  agent: { id: string; name: string },
  deps: ModelProxyDeps,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  requested: RequestBody,
): Promise<void> {
  const path = pathOf(incoming);
  const raw = await requested.read(incoming);
  const body = readBody(raw);
  checkModel(body.model, deps.modelsOf(agent.id));
  const gone = new AbortController();
  outgoing.once("close", () => gone.abort());
  let reply: ModelReply;
  try {
    reply = await deps.upstream({ agent, path, headers: upstreamHeaders(incoming.headers), raw, body, signal: gone.signal });
  } catch (error) {
    if (gone.signal.aborted) return;
    deps.onSignal({ agentId: agent.id, kind: "unreachable" });
    throw error;
  }
  const signal = signalOf(agent.id, reply);
  deps.onSignal(signal);
  // The CLI would wait for the limit to end in the middle of its turn. The hive parks the agent instead, with a
  // countdown.
  if (signal.resetsAt !== undefined && signal.resetsAt - Date.now() > SHORT_LIMIT_MS) reply.headers["x-should-retry"] = "false";
  const meter = new Meter(reply.headers["content-type"] ?? "");
  outgoing.writeHead(reply.status, reply.headers);
  try {
    for await (const chunk of reply.body) {
      meter.take(chunk);
      if (outgoing.destroyed) break;
      if (!outgoing.write(chunk)) await Promise.race([once(outgoing, "drain"), once(gone.signal, "abort")]);
    }
    outgoing.end();
  } catch {
    // The upstream aborted, so abort the answer. The CLI sees that and retries.
    outgoing.destroy();
  } finally {
    meter.end();
    const { tokens } = meter;
    const model = meter.model ?? body.model;
    if (path === "/v1/messages" && tokens.input + tokens.output + tokens.cache_read + tokens.cache_write > 0) {
      deps.onUsage({ agentId: agent.id, model, tokens, costUsd: costOf(model, tokens, deps.prices) });
    }
  }
}

function pathOf(incoming: IncomingMessage): ModelPath {
  const [path, query] = (incoming.url ?? "").split(/\?(.*)/s, 2);
  if (incoming.method === "POST" && (path === "/v1/messages" || path === "/v1/messages/count_tokens")) {
    if (query === undefined || query === QUERY) return path;
    incoming.resume();
    throw new HiveError("bad_request", `the query ?${query.slice(0, 80)} is not allowed from a cage; allowed: ?${QUERY}`);
  }
  incoming.resume();
  throw new HiveError(
    "not_found",
    `${incoming.method ?? ""} ${(path ?? "").slice(0, 120)} is not served here: only POST /v1/messages and token counting`,
  );
}

function refuse(outgoing: ServerResponse, error: unknown): void {
  if (outgoing.headersSent) return void outgoing.destroy();
  const hive = error instanceof HiveError ? error : new HiveError("internal", "the gateway failed");
  const status = STATUS[hive.code] ?? 500;
  // A refusal looks like a bad request: 401 and 403 would make the CLI ask for a login.
  const shown = status === 403 ? 400 : status;
  outgoing.writeHead(shown, { "content-type": "application/json", connection: "close" });
  outgoing.end(
    JSON.stringify({ type: "error", error: { type: ERROR_TYPES[shown] ?? "api_error", message: `hyperhive: ${hive.message}` } }),
  );
}

function signalOf(agentId: string, reply: ModelReply): UpstreamSignal {
  if (reply.status === 401 || reply.status === 403) return { agentId, kind: "unauthorized" };
  if (reply.status === 429) {
    const resetsAt = resetOf(reply.headers);
    return { agentId, kind: "rate_limited", ...(resetsAt === undefined ? {} : { resetsAt }) };
  }
  if (reply.status >= 500) return { agentId, kind: "overloaded" };
  return { agentId, kind: "ok" };
}

/** When a limit ends, from any header that states it. */
function resetOf(headers: Record<string, string>): number | undefined {
  const unified = Number(headers["anthropic-ratelimit-unified-reset"]);
  if (Number.isFinite(unified) && unified > 0) return unified * 1000;
  const after = Number(headers["retry-after"]);
  if (headers["retry-after"] !== undefined && Number.isFinite(after)) return Date.now() + after * 1000;
  for (const what of ["requests", "tokens", "input-tokens", "output-tokens"]) {
    const at = Date.parse(headers[`anthropic-ratelimit-${what}-reset`] ?? "");
    if (Number.isFinite(at)) return at;
  }
  return undefined;
}
