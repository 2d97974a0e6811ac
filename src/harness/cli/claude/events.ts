import type { SDKAssistantMessageError, SDKMessage, SDKResultMessage } from "@anthropic-ai/claude-agent-sdk";
import { NO_FIGURES, type CliSink, type Figures } from "../port.ts";

/** Maximum bytes of one text inside an event. With its envelope it stays under `MAX_EVENT_BYTES`. */
const MAX_TEXT_BYTES = 200 * 1024;

/** The CLI's messages to the model about a cancelled turn. They also appear after the output of a tool. */
const STOP_WORDS =
  /\[Request interrupted by user[^\]]*\]|The user doesn't want to (?:proceed with this tool use|take this action right now)\.[^\n]*|API Error: Request was aborted\./g;

/**
 * Maps the CLI's stream to turn events. It keeps only what a result needs: the context in use (the usage of the last
 * answer) and the running cost (the CLI's figure is cumulative). The stream is the agent's output and is not trusted.
 */
export class StreamReader {
  readonly #sink: CliSink;
  #sessionId = "";
  #contextTokens: number | undefined;
  #costSoFar = 0;
  /** The CLI has begun to work on this turn's prompt. */
  begun = false;
  /** The model has answered at least once in this turn. */
  answered = false;
  /** The API's last error in this turn, by the CLI's name for it. */
  apiError: SDKAssistantMessageError | undefined;
  /** Set when the turn is cancelled: the text that replaces the CLI's message to the model. */
  cancelled: string | undefined;
  /** Tool calls of this turn whose result has not come. */
  readonly #calls = new Set<string>();

  constructor(sink: CliSink) {
    this.#sink = sink;
  }

  /** Resets the state of the previous turn. */
  beginTurn(): void {
    this.begun = false;
    this.answered = false;
    this.apiError = undefined;
    this.cancelled = undefined;
    this.#calls.clear();
  }

  /** Ends the tool calls of a cancelled turn whose results will not come, because the CLI is about to be killed. */
  endCalls(): void {
    const text = this.cancelled ?? "";
    for (const id of this.#calls) this.#sink.emit({ type: "tool_result", id, text, is_error: true });
    this.#calls.clear();
  }

  read(message: SDKMessage): void {
    switch (message.type) {
      case "system":
        return this.#system(message);
      case "stream_event":
        return message.parent_tool_use_id === null ? this.#partial(message.event) : undefined;
      case "assistant":
        return this.#assistant(message);
      case "user":
        return this.#user(message);
      case "rate_limit_event":
        return this.#rateLimit(message);
      default:
        return undefined;
    }
  }

  /** The figures of a result. Call it once for each result. */
  figures(result: SDKResultMessage): Figures {
    const usage = result.usage;
    const cost = Math.max(0, result.total_cost_usd - this.#costSoFar);
    this.#costSoFar = result.total_cost_usd;
    const window = Object.values(result.modelUsage).reduce((most, model) => Math.max(most, model.contextWindow), 0);
    return {
      tokens: {
        input: usage.input_tokens,
        output: usage.output_tokens,
        cache_read: usage.cache_read_input_tokens ?? 0,
        cache_write: usage.cache_creation_input_tokens ?? 0,
      },
      cost_usd: cost,
      ...this.context(),
      ...(window > 0 ? { context_window: window } : {}),
    };
  }

  /** The context figure for a turn without a result. */
  context(): { context_tokens?: number } {
    return this.#contextTokens === undefined ? {} : { context_tokens: this.#contextTokens };
  }
  noFigures(): Figures {
    return { ...NO_FIGURES, ...this.context() };
  }

  #system(message: Extract<SDKMessage, { type: "system" }>): void {
    switch (message.subtype) {
      case "init": {
        this.begun = true;
        if (message.session_id === this.#sessionId) return;
        this.#sessionId = message.session_id;
        this.#sink.session(message.session_id);
        const mcp = Object.fromEntries(message.mcp_servers.map((server) => [server.name, server.status]));
        this.#sink.emit({ type: "session", session_id: message.session_id, model: message.model, mcp });
        for (const [name, status] of Object.entries(mcp)) {
          if (status === "failed") this.#sink.emit({ type: "note", level: "warn", text: `the MCP server ${name} did not start` });
        }
        return;
      }
      case "compact_boundary":
        this.#contextTokens = message.compact_metadata.post_tokens ?? this.#contextTokens;
        return this.#sink.emit({ type: "compacted", before_tokens: message.compact_metadata.pre_tokens });
      case "status":
        return this.#sink.compacting(message.status === "compacting");
      case "api_retry": {
        // The interrupted block is written again from its start.
        this.#sink.delta({ kind: "reset", text: "" });
        const what =
          message.error_status === null ? "the connection to the model broke" : `the model answered ${message.error_status}`;
        return this.#sink.emit({
          type: "note",
          level: "warn",
          text: `${what}: attempt ${message.attempt} of ${message.max_retries}, again in ${Math.round(message.retry_delay_ms / 100) / 10} s`,
        });
      }
      default:
        return undefined;
    }
  }

  #partial(event: Extract<SDKMessage, { type: "stream_event" }>["event"]): void {
    if (event.type !== "content_block_delta") return;
    if (event.delta.type === "text_delta") this.#sink.delta({ kind: "text", text: event.delta.text });
    if (event.delta.type === "thinking_delta") this.#sink.delta({ kind: "thinking", text: event.delta.thinking });
  }

  #assistant({ message, parent_tool_use_id: parent, error }: Extract<SDKMessage, { type: "assistant" }>): void {
    const { usage } = message;
    this.begun = true;
    if (error === undefined) this.answered = true;
    else if (parent === null) this.apiError = error;
    if (parent === null && error === undefined && usage.input_tokens + (usage.cache_read_input_tokens ?? 0) > 0) {
      this.#contextTokens =
        usage.input_tokens +
        usage.output_tokens +
        (usage.cache_read_input_tokens ?? 0) +
        (usage.cache_creation_input_tokens ?? 0);
    }
    for (const block of message.content) {
      if (block.type === "text") {
        if (error !== undefined) this.#sink.emit({ type: "note", level: "error", text: cut(this.#ownWords(block.text)).text });
        else if (block.text.trim() !== "") this.#sink.emit({ type: "text", text: cut(block.text).text });
      } else if (block.type === "thinking") {
        if (block.thinking.trim() !== "") this.#sink.emit({ type: "thinking", text: cut(block.thinking).text });
      } else if (block.type === "tool_use") {
        this.#calls.add(block.id);
        this.#sink.emit({ type: "tool_use", id: block.id, name: block.name, input: boundedInput(block.input) });
      }
    }
  }

  #user({ message }: Extract<SDKMessage, { type: "user" }>): void {
    if (typeof message.content === "string") return;
    for (const block of message.content) {
      if (block.type !== "tool_result") continue;
      this.#calls.delete(block.tool_use_id);
      const { text, cutFrom } = cut(this.#ownWords(resultText(block.content)));
      this.#sink.emit({
        type: "tool_result",
        id: block.tool_use_id,
        text,
        is_error: block.is_error === true,
        ...(cutFrom === undefined ? {} : { cut_from: cutFrom }),
      });
    }
  }

  #ownWords(text: string): string {
    const { cancelled } = this;
    return cancelled === undefined ? text : text.replace(STOP_WORDS, () => cancelled);
  }

  #rateLimit({ rate_limit_info: info }: Extract<SDKMessage, { type: "rate_limit_event" }>): void {
    if (info.status === "allowed") return;
    const until = info.resetsAt === undefined ? "" : ` until ${new Date(info.resetsAt * 1000).toISOString()}`;
    this.#sink.emit({
      type: "note",
      level: "warn",
      text: info.status === "rejected" ? `rate limited${until}` : `close to the rate limit${until}`,
    });
  }
}

function resultText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((part: { type?: string; text?: string }) => (part.type === "text" ? (part.text ?? "") : `[${part.type ?? "part"}]`))
    .join("\n");
}

/** Cuts a text to the size of one event, at a character boundary. */
export function cut(text: string, limit = MAX_TEXT_BYTES): { text: string; cutFrom?: number } {
  const bytes = Buffer.byteLength(text);
  if (bytes <= limit) return { text };
  // A byte sequence that was cut in the middle becomes one replacement character, which is removed too.
  const kept = Buffer.from(text)
    .subarray(0, limit)
    .toString("utf8")
    .replace(/\uFFFD$/, "");
  return { text: kept, cutFrom: bytes };
}

/** The input of a tool call. If it is too large, only its beginning. */
function boundedInput(input: unknown): unknown {
  const json = JSON.stringify(input) ?? "null";
  return Buffer.byteLength(json) <= MAX_TEXT_BYTES ? input : { cut: cut(json).text };
}
