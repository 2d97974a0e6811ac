import { z } from "zod";
import { anyObject, block, blocks, fields, listOf, words } from "./allowed.ts";

/**
 * What a message to the model may contain, at every depth. A source must be in the request itself: one that the API
 * would fetch (a URL, a file id) would be a way out of the cage. Blocks of tools that the API runs are not listed.
 */

const here = (constant: string): string => `${constant} in src/gateway/anthropic/content.ts`;

/** Left to the CLI: tool inputs and JSON schemas. The API reads them and reaches nothing through them. */
const Free = anyObject();

export const CacheControl = block(here("CacheControl"), "ephemeral", {
  ttl: words(here("CacheControl"), ["5m", "1h"]).optional(),
}).nullish();

export const Text = block(here("Text"), "text", {
  text: z.string(),
  cache_control: CacheControl,
  /** Answers have this field; citations occur only with documents that request them. */
  citations: listOf(z.never()).nullish(),
});

const ImageSource = blocks(here("ImageSource"), [
  block(here("ImageSource"), "base64", {
    media_type: words(here("ImageSource"), ["image/png", "image/jpeg", "image/gif", "image/webp"]),
    data: z.string(),
  }),
]);

const Image = block(here("Image"), "image", { source: ImageSource, cache_control: CacheControl });

const DocumentSource = blocks(here("DocumentSource"), [
  block(here("DocumentSource"), "base64", {
    media_type: words(here("DocumentSource"), ["application/pdf"]),
    data: z.string(),
  }),
  block(here("DocumentSource"), "text", {
    media_type: words(here("DocumentSource"), ["text/plain"]),
    data: z.string(),
  }),
  block(here("DocumentSource"), "content", {
    content: z.union([z.string(), listOf(blocks(here("DocumentSource"), [Text, Image]))]),
  }),
]);

const Document = block(here("Document"), "document", {
  source: DocumentSource,
  title: z.string().nullish(),
  context: z.string().nullish(),
  cache_control: CacheControl,
});

/** A tool whose definition was deferred and is requested now. */
const ToolReference = block(here("ToolReference"), "tool_reference", {
  tool_name: z.string(),
  cache_control: CacheControl,
});

const ToolUse = block(here("ToolUse"), "tool_use", {
  id: z.string(),
  name: z.string(),
  input: Free,
  /** The caller: the model itself, never code that the API runs. */
  caller: blocks(here("ToolUse"), [block(here("ToolUse"), "direct", {})]).optional(),
  cache_control: CacheControl,
});

const ToolResult = block(here("ToolResult"), "tool_result", {
  tool_use_id: z.string(),
  is_error: z.boolean().optional(),
  content: z.union([z.string(), listOf(blocks(here("ToolResult"), [Text, Image, Document, ToolReference]))]).optional(),
  cache_control: CacheControl,
});

const Thinking = block(here("Thinking"), "thinking", { thinking: z.string(), signature: z.string() });
const RedactedThinking = block(here("RedactedThinking"), "redacted_thinking", { data: z.string() });

const SpokenBlock = blocks(here("SpokenBlock"), [Text, Image, Document, ToolUse, ToolResult, Thinking, RedactedThinking]);

/** A tool that the CLI runs itself. The API's own tools have other types and are not allowed. */
export const Tool = fields(here("Tool"), {
  type: words(here("Tool"), ["custom"]).nullish(),
  name: z.string(),
  description: z.string().optional(),
  input_schema: Free,
  defer_loading: z.boolean().optional(),
  eager_input_streaming: z.boolean().nullish(),
  strict: z.boolean().optional(),
  cache_control: CacheControl,
});

const ToolChange = blocks(here("ToolChange"), [
  block(here("ToolChange"), "tool_reference", { name: z.string() }),
  block(here("ToolChange"), "tool_definition", { definition: Tool }),
]);

/** What the CLI inserts between two messages: text, and tools that were added or removed. */
const SystemBlock = blocks(here("SystemBlock"), [
  Text,
  block(here("SystemBlock"), "tool_addition", { tool: ToolChange, cache_control: CacheControl }),
  block(here("SystemBlock"), "tool_removal", { tool: ToolChange, cache_control: CacheControl }),
]);

export const Effort = words(here("Effort"), ["low", "medium", "high", "xhigh", "max"]).nullish();

const spoken = <R extends "user" | "assistant">(role: R) =>
  fields(here("Message"), { role: z.literal(role), content: z.union([z.string(), listOf(SpokenBlock)]) });

export const Message = z.discriminatedUnion(
  "role",
  [
    spoken("user"),
    spoken("assistant"),
    fields(here("Message"), {
      role: z.literal("system"),
      content: z.union([z.string(), listOf(SystemBlock)]).optional(),
      clear_at: words(here("Message"), ["next_user_message", "never"]).nullish(),
      output_config: fields(here("Message"), { effort: Effort }).nullish(),
    }),
  ],
  { error: () => `a message is of the role user, assistant or system (list: ${here("Message")})` },
);
