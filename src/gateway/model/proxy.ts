import type { IncomingMessage, ServerResponse } from "node:http";
import { once } from "node:events";
import { HiveError } from "../../wire/error.ts";
import { SHORT_LIMIT_MS } from "../../wire/limits.ts";
import type { Price } from "../../wire/models.ts";
import type { Dialect, ModelReply, ModelRequest, Upstream, UpstreamSignal, Usage } from "./dialect.ts";
import { costOf } from "./prices.ts";

/** Bytes of one request: the API's own limit for messages. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** Bytes of one agent's requests that are buffered at once: a few of the largest, or very many of a usual size. */
const MAX_HELD_BYTES = 96 * 1024 * 1024;

export interface ModelProxyDeps {
  dialect: Dialect;
  upstream: Upstream;
  /** Models that the agent may use: the deployed one and the operator's override. */
  modelsOf(agentId: string): readonly string[];
  /** The name of the credential for the agent's requests. Throws a `HiveError` that says what to do if it is missing. */
  credentialOf(agentId: string): string;
  prices: Record<string, Price>;
  /**
   * Resolves when the agent may send a request for an answer of the model; the result is called after its usage has been
   * counted. Rejects with a `HiveError` if it may not.
   */
  enter(agentId: string, model: string, gone: AbortSignal): Promise<() => void>;
  onUsage(usage: Usage): void;
  onSignal(signal: UpstreamSignal): void;
  onUnexpected(error: unknown): void;
}

/** Serves one agent's model.sock: checks the request, forwards it with back-pressure, and meters the answer. */
export function modelProxy(agent: { id: string; name: string }, deps: ModelProxyDeps) {
  const held = { bytes: 0 };
  return (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const body = new RequestBody(held);
    answer(agent, deps, incoming, outgoing, body)
      .catch((error: unknown) => {
        if (!(error instanceof HiveError)) deps.onUnexpected(error);
        refuse(deps.dialect, outgoing, error);
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
  const { dialect } = deps;
  const path = servedPath(dialect, incoming);
  const raw = await requested.read(incoming);
  const body = dialect.readBody(raw);
  dialect.checkModel(body.model, deps.modelsOf(agent.id));
  const credential = deps.credentialOf(agent.id);
  const gone = new AbortController();
  outgoing.once("close", () => gone.abort());
  // Counting tokens is free.
  const leave = path === "/v1/messages" ? await deps.enter(agent.id, body.model, gone.signal) : undefined;
  try {
    await forward(
      agent,
      deps,
      { credential, path, raw, body, headers: dialect.headersOf(incoming.headers), gone: gone.signal },
      outgoing,
    );
  } finally {
    leave?.();
  }
}

interface Asked extends Pick<ModelRequest, "credential" | "path" | "raw" | "body" | "headers"> {
  gone: AbortSignal;
}

/** Sends a request that may pass, streams the answer back, and counts its usage. */
async function forward(
  agent: { id: string; name: string },
  deps: ModelProxyDeps,
  { credential, path, raw, body, headers, gone }: Asked,
  outgoing: ServerResponse,
): Promise<void> {
  const { dialect } = deps;
  const startedAt = Date.now();
  let reply: ModelReply;
  try {
    reply = await deps.upstream({ agent, credential, path, headers, raw, body, signal: gone });
  } catch (error) {
    if (gone.aborted) return;
    deps.onSignal({ agentId: agent.id, credential, kind: "unreachable" });
    throw error;
  }
  const signal = dialect.signalOf(reply.status, reply.headers);
  if (path === "/v1/messages") deps.onSignal({ agentId: agent.id, credential, ...signal });
  // Counting has a limit of its own, which anyone may reach at no cost: it says nothing about answers.
  else if (signal.kind !== "ok") deps.onSignal({ agentId: agent.id, credential, kind: signal.kind });
  // The CLI would wait for the limit to end in the middle of its turn. The hive parks the agent instead, with a
  // countdown.
  const isLong = signal.resetsAt !== undefined && signal.resetsAt - Date.now() > SHORT_LIMIT_MS;
  const meter = dialect.meter(reply.headers["content-type"] ?? "");
  outgoing.writeHead(reply.status, isLong ? dialect.withoutRetry(reply.headers) : reply.headers);
  try {
    for await (const chunk of reply.body) {
      meter.take(chunk);
      if (outgoing.destroyed) break;
      if (!outgoing.write(chunk)) await Promise.race([once(outgoing, "drain"), once(gone, "abort")]);
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
      const costUsd = costOf(model, tokens, deps.prices);
      const budgetUsd = costUsd ?? costOf(body.model, tokens, deps.prices) ?? 0;
      deps.onUsage({
        agentId: agent.id,
        credential,
        model,
        tokens,
        costUsd,
        budgetUsd,
        requestModel: body.model,
        startedAt,
        endedAt: Date.now(),
      });
    }
  }
}

function refuse(dialect: Dialect, outgoing: ServerResponse, error: unknown): void {
  if (outgoing.headersSent) return void outgoing.destroy();
  const { status, headers, body } = dialect.refusal(
    error instanceof HiveError ? error : new HiveError("internal", "the gateway failed"),
  );
  outgoing.writeHead(status, { ...headers, "content-type": "application/json", connection: "close" });
  outgoing.end(body);
}

function servedPath(dialect: Dialect, incoming: IncomingMessage): ReturnType<Dialect["pathOf"]> {
  try {
    return dialect.pathOf(incoming.method, incoming.url);
  } catch (error) {
    // The body of a refused request is read and dropped.
    incoming.resume();
    throw error;
  }
}
