import { randomBytes } from "node:crypto";
import { HIVE_TOOLS } from "../../../wire/hive-tools.ts";
import type { MessagesBody } from "../body.ts";
import type { Step } from "./scenario.ts";

/** Characters of one piece of streamed text: about one token. */
const CHUNK = /[\s\S]{1,12}(?:\s|$)|[\s\S]{1,12}/g;
/** Characters per token, roughly. */
const CHARS_PER_TOKEN = 4;

/** The scenario cuts the connection. */
export class Cut extends Error {}

type Content =
  | { type: "thinking"; thinking: string }
  | { type: "text"; text: string }
  | { type: "tool_use"; id: string; name: string; input: unknown };

/**
 * The content of an answer. A tool that is not offered is mentioned in the text instead: calling it would be an error.
 */
export function contentOf(step: Step, offered: ReadonlySet<string>): Content[] {
  const content: Content[] = [];
  if (step.think !== undefined) content.push({ type: "thinking", thinking: step.think });
  const calls: Content[] = [];
  let say = step.say ?? "";
  for (const tool of step.tools) {
    // Scenarios call the hive's own tools by short names.
    const name = HIVE_TOOLS.includes(tool.name) ? `mcp__hive__${tool.name}` : tool.name;
    if (offered.has(name))
      calls.push({ type: "tool_use", id: `toolu_${randomBytes(12).toString("hex")}`, name, input: tool.input });
    else say += `${say === "" ? "" : " "}(the tool ${name} is not offered)`;
  }
  if (say !== "") content.push({ type: "text", text: say });
  if (content.length + calls.length === 0) content.push({ type: "text", text: "." });
  return [...content, ...calls];
}

function usageOf(
  step: Step,
  body: MessagesBody,
  content: Content[],
): { input_tokens: number; output_tokens: number; cache_read_input_tokens: number; cache_creation_input_tokens: number } {
  const size = Math.ceil(JSON.stringify(body.messages).length / CHARS_PER_TOKEN);
  const fresh = Math.min(size, Math.ceil(JSON.stringify(body.messages.at(-1) ?? "").length / CHARS_PER_TOKEN));
  return {
    input_tokens: step.usage.input ?? fresh,
    output_tokens: step.usage.output ?? Math.ceil(JSON.stringify(content).length / CHARS_PER_TOKEN),
    cache_read_input_tokens: step.usage.cache_read ?? size - fresh,
    cache_creation_input_tokens: step.usage.cache_write ?? 0,
  };
}

/** The answer as the API writes it without streaming. */
export function wholeReply(step: Step, body: MessagesBody, offered: ReadonlySet<string>): string {
  const content = contentOf(step, offered);
  return JSON.stringify({
    id: `msg_${randomBytes(12).toString("hex")}`,
    type: "message",
    role: "assistant",
    model: body.model,
    content: content.map((block) => (block.type === "thinking" ? { ...block, signature: "rehearsed" } : block)),
    stop_reason: stopReason(step, content),
    stop_sequence: null,
    usage: usageOf(step, body, content),
  });
}

/** The answer as server-sent events, in pieces with pauses. Throws `Cut` where the step says so. */
export async function* streamedReply(
  step: Step,
  body: MessagesBody,
  offered: ReadonlySet<string>,
  cutAfter: number | undefined,
  pause: (ms: number) => Promise<void>,
): AsyncGenerator<Uint8Array> {
  const content = contentOf(step, offered);
  const usage = usageOf(step, body, content);
  let pieces = 0;
  const piece = async (): Promise<void> => {
    if (cutAfter !== undefined && ++pieces > cutAfter) throw new Cut("cut by the scenario");
    if (step.chunk_ms > 0) await pause(step.chunk_ms);
  };
  yield event("message_start", {
    message: {
      id: `msg_${randomBytes(12).toString("hex")}`,
      type: "message",
      role: "assistant",
      model: body.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { ...usage, output_tokens: 1 },
    },
  });
  for (const [index, block] of content.entries()) {
    const start =
      block.type === "tool_use"
        ? { ...block, input: {} }
        : block.type === "thinking"
          ? { type: "thinking", thinking: "", signature: "" }
          : { type: "text", text: "" };
    yield event("content_block_start", { index, content_block: start });
    if (block.type === "tool_use") {
      await piece();
      yield event("content_block_delta", {
        index,
        delta: { type: "input_json_delta", partial_json: JSON.stringify(block.input) },
      });
    } else {
      const text = block.type === "text" ? block.text : block.thinking;
      for (const part of text.match(CHUNK) ?? []) {
        await piece();
        yield event("content_block_delta", {
          index,
          delta: block.type === "text" ? { type: "text_delta", text: part } : { type: "thinking_delta", thinking: part },
        });
      }
      if (block.type === "thinking")
        yield event("content_block_delta", { index, delta: { type: "signature_delta", signature: "rehearsed" } });
    }
    yield event("content_block_stop", { index });
  }
  yield event("message_delta", { delta: { stop_reason: stopReason(step, content), stop_sequence: null }, usage });
  yield event("message_stop", {});
}

function stopReason(step: Step, content: Content[]): string {
  return step.stop_reason ?? (content.some((block) => block.type === "tool_use") ? "tool_use" : "end_turn");
}

function event(type: string, data: object): Uint8Array {
  return Buffer.from(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
}
