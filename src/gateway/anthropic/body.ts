import { z } from "zod";
import { parseStrictObject } from "../../rpc/json.ts";
import { HiveError } from "../../wire/error.ts";
import { anyObject, block, blocks, complaint, fields, listOf, words } from "./allowed.ts";
import { Effort, Message, Text, Tool } from "./content.ts";

/**
 * The body of a request to the model API: what Claude Code sends, and nothing else. The gateway must not bypass the
 * egress list, so it passes nothing that would make the API fetch, run, store or bill something that the agent's config
 * does not grant.
 */

const here = (constant: string): string => `${constant} in src/gateway/anthropic/body.ts`;

/** Nesting depth of a request: tool inputs inside messages inside the body. */
const MAX_DEPTH = 128;
/** Values of a request, each up to a hundred bytes of memory. A session of a million tokens has some ten thousand. */
const MAX_VALUES = 200_000;

const Thinking = blocks(here("Thinking"), [
  block(here("Thinking"), "disabled", {}),
  block(here("Thinking"), "enabled", {
    budget_tokens: z.number().int(),
    display: words(here("Thinking"), ["summarized", "omitted", "updates"]).nullish(),
  }),
  block(here("Thinking"), "adaptive", {
    display: words(here("Thinking"), ["summarized", "omitted", "updates"]).nullish(),
  }),
]);

const parallel = { disable_parallel_tool_use: z.boolean().optional() };
const ToolChoice = blocks(here("ToolChoice"), [
  block(here("ToolChoice"), "auto", { ...parallel }),
  block(here("ToolChoice"), "any", { ...parallel }),
  block(here("ToolChoice"), "tool", { name: z.string(), ...parallel }),
  block(here("ToolChoice"), "none", {}),
]);

const OutputFormat = block(here("OutputFormat"), "json_schema", { schema: anyObject() });

const OutputConfig = fields(here("OutputConfig"), {
  effort: Effort,
  format: OutputFormat.nullish(),
  task_budget: block(here("OutputConfig"), "tokens", {
    total: z.number().int(),
    remaining: z.number().int().nullish(),
  }).nullish(),
});

const counted = <T extends string>(type: T) => block(here("ContextManagement"), type, { value: z.number().int() });

const ContextManagement = fields(here("ContextManagement"), {
  edits: listOf(
    blocks(here("ContextManagement"), [
      block(here("ContextManagement"), "clear_thinking_20251015", {
        keep: z.union([z.literal("all"), counted("thinking_turns")]).optional(),
      }),
      block(here("ContextManagement"), "clear_tool_uses_20250919", {
        trigger: blocks(here("ContextManagement"), [counted("input_tokens"), counted("tool_uses")]).optional(),
        keep: counted("tool_uses").optional(),
        clear_at_least: counted("input_tokens").nullish(),
        clear_tool_inputs: z.union([z.boolean(), listOf(z.string())]).nullish(),
        exclude_tools: listOf(z.string()).nullish(),
      }),
    ]),
  ).optional(),
});

/** Every field that a request may have. */
const MessagesBody = fields(here("MessagesBody"), {
  model: z.string().min(1).max(256),
  max_tokens: z.number().int().optional(),
  messages: listOf(Message),
  system: z.union([z.string(), listOf(Text)]).optional(),
  tools: listOf(Tool).optional(),
  tool_choice: ToolChoice.optional(),
  stream: z.boolean().optional(),
  stop_sequences: listOf(z.string()).optional(),
  temperature: z.number().optional(),
  thinking: Thinking.optional(),
  output_config: OutputConfig.optional(),
  output_format: OutputFormat.nullish(),
  context_management: ContextManagement.nullish(),
  metadata: fields(here("MessagesBody"), { user_id: z.string().nullish() }).optional(),
});
export type MessagesBody = z.infer<typeof MessagesBody>;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads a body. Throws `bad_request` with the name of the field, or `too_large`. The bytes are forwarded unchanged, so
 * text that is not UTF-8 and duplicate keys are refused: the API could read them differently.
 */
export function readBody(raw: Uint8Array): MessagesBody {
  let text: string;
  try {
    text = utf8.decode(raw);
  } catch {
    throw new HiveError("bad_request", "the request is not UTF-8");
  }
  const parsed = MessagesBody.safeParse(parseStrictObject(text, MAX_DEPTH, MAX_VALUES));
  if (!parsed.success) throw new HiveError("bad_request", complaint(parsed.error));
  return parsed.data;
}
