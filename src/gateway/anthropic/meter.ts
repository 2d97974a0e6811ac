import type { TokenCounts } from "../../wire/agent.ts";
import type { Meter } from "../model/dialect.ts";

/** Longest line that is parsed. Usage comes in small events; longer lines are content. */
const MAX_LINE_BYTES = 64 * 1024;

/** An event with a piece of content begins with this. */
const CONTENT = 'data: {"type":"content_block_delta"';
/** Bytes of such an event besides the content, and bytes of content for one token: for answers that are cut off. */
const CONTENT_OVERHEAD_BYTES = 90;
const BYTES_PER_TOKEN = 4;

interface UsageFields {
  input_tokens?: number;
  output_tokens?: number;
  cache_read_input_tokens?: number;
  cache_creation_input_tokens?: number;
}

/** Reads the usage of an answer from its bytes as they pass, streamed or not. */
export class UsageMeter implements Meter {
  readonly #streamed: boolean;
  readonly #tokens: TokenCounts = { input: 0, output: 0, cache_read: 0, cache_write: 0 };
  #rest = "";
  #skipping = false;
  /** Tokens of content that has passed, estimated. The count of the API comes after all content. */
  #passed = 0;
  #isCounted = false;
  model: string | undefined;

  constructor(contentType: string) {
    this.#streamed = contentType.includes("text/event-stream");
  }

  take(chunk: Uint8Array): void {
    // Latin-1 keeps bytes intact that are split over chunks. The fields that we read are plain ASCII.
    const text = Buffer.from(chunk).toString("latin1");
    if (!this.#streamed) {
      if (this.#rest.length < 4 * 1024 * 1024) this.#rest += text;
      return;
    }
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      if (!this.#skipping) this.#line(this.#rest + text.slice(start, end));
      this.#skipping = false;
      this.#rest = "";
      start = end + 1;
    }
    this.#rest += text.slice(start);
    if (this.#rest.length > MAX_LINE_BYTES) {
      this.#passed += this.#rest.length / BYTES_PER_TOKEN;
      this.#rest = "";
      this.#skipping = true;
    }
  }

  /** The counts so far. For an answer that is not streamed, call `end` first. */
  get tokens(): TokenCounts {
    return { ...this.#tokens };
  }

  /** Ends the answer. One that is cut off before its count comes has cost what has passed, which is estimated. */
  end(): void {
    if (this.#streamed) {
      if (!this.#isCounted) this.#tokens.output = Math.max(this.#tokens.output, Math.ceil(this.#passed));
      return;
    }
    if (this.#rest === "") return;
    const parsed = parse(this.#rest) as { model?: string; usage?: UsageFields } | undefined;
    if (parsed?.usage) this.#add(parsed.usage);
    this.model ??= parsed?.model;
  }

  #line(line: string): void {
    if (line.startsWith(CONTENT)) {
      this.#passed += Math.max(1, (line.length - CONTENT_OVERHEAD_BYTES) / BYTES_PER_TOKEN);
      return;
    }
    if (!line.startsWith("data:") || !line.includes('"usage"')) return;
    const event = parse(line.slice(5)) as
      | { type?: string; message?: { model?: string; usage?: UsageFields }; usage?: UsageFields }
      | undefined;
    if (event?.type === "message_start" && event.message) {
      this.model = event.message.model;
      if (event.message.usage) this.#add(event.message.usage);
    }
    if (event?.type === "message_delta" && event.usage) {
      this.#add(event.usage);
      this.#isCounted = true;
    }
  }

  /** Each figure is the running total of its message: the last one counts. */
  #add(usage: UsageFields): void {
    this.#tokens.input = count(usage.input_tokens) ?? this.#tokens.input;
    this.#tokens.output = count(usage.output_tokens) ?? this.#tokens.output;
    this.#tokens.cache_read = count(usage.cache_read_input_tokens) ?? this.#tokens.cache_read;
    this.#tokens.cache_write = count(usage.cache_creation_input_tokens) ?? this.#tokens.cache_write;
  }
}

function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A line that is not JSON is not counted.
    return undefined;
  }
}
