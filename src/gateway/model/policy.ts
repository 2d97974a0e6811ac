import { z } from "zod";
import { parseStrictObject } from "../../rpc/json.ts";
import { HiveError, schemaComplaint } from "../../wire/error.ts";
import type { MessagesBody } from "./types.ts";

/**
 * What may go to the model API from a cage. The gateway is no way around the egress list, so everything by which a
 * request makes the model's servers fetch, run or reach something is refused; what only the CLI itself carries out
 * passes.
 */

/** Nesting of a request: tool inputs inside messages inside the body. */
const MAX_DEPTH = 128;
/** Tools that the CLI carries out itself although their type is one of the API's. */
const CLIENT_TOOL = /^(?:custom|bash_\d+|text_editor_\d+|memory_\d+|tool_search_tool_[a-z0-9_]+)$/;
/** Sources whose content is in the request itself. */
const INLINE_SOURCES = new Set(["base64", "text", "content"]);
/** Features that change how the model answers, not what it reaches. Matched before the date. */
const BETAS = new Set([
  "advanced-tool-use",
  "advisor-tool",
  "afk-mode",
  "cache-diagnosis",
  "claude-code",
  "context-1m",
  "context-management",
  "effort",
  "extended-cache-ttl",
  "fast-mode",
  "fine-grained-tool-streaming",
  "interleaved-thinking",
  "mid-conversation-system",
  "mid-conversation-tool-changes",
  "oauth",
  "output-128k",
  "per-turn-control",
  "prompt-caching-scope",
  "redact-thinking",
  "structured-outputs",
  "thinking-token-count",
  "token-counting",
  "token-efficient-tools",
  "tool-examples",
  "tool-search-tool",
]);
/** Request headers that may go on to the upstream. */
const HEADERS = [
  "accept",
  "anthropic-version",
  "content-type",
  "user-agent",
  "x-app",
  "x-stainless-lang",
  "x-stainless-package-version",
  "x-stainless-runtime",
  "x-stainless-runtime-version",
  "x-stainless-os",
  "x-stainless-arch",
  "x-stainless-retry-count",
  "x-stainless-timeout",
];

const Body = z.looseObject({
  model: z.string().min(1).max(256),
  stream: z.boolean().optional(),
  messages: z.array(z.looseObject({ role: z.string(), content: z.unknown() })).min(1),
  tools: z.array(z.looseObject({ name: z.string().optional(), type: z.string().optional() })).optional(),
});

/** Reads a body or throws `bad_request` with words for whoever wrote it. */
export function readBody(raw: Buffer): MessagesBody {
  const parsed = Body.safeParse(parseStrictObject(raw.toString("utf8"), MAX_DEPTH));
  if (!parsed.success) throw new HiveError("bad_request", schemaComplaint(parsed.error));
  return parsed.data;
}

/** Throws `forbidden` for a request that reaches further than its text. `models` are those that were deployed. */
export function checkBody(body: MessagesBody, models: readonly string[]): void {
  if (!models.some((model) => allows(model, body.model))) {
    throw new HiveError(
      "forbidden",
      `the model ${body.model} is not this agent's (${models.join(", ")}): its configuration or the operator says which it is`,
    );
  }
  if ("mcp_servers" in body)
    throw new HiveError("forbidden", "mcp_servers: servers that the model API connects to are not allowed from a cage");
  if ("container" in body) throw new HiveError("forbidden", "container: code that the model API runs is not allowed from a cage");
  for (const tool of body.tools ?? []) {
    if (tool.type !== undefined && !CLIENT_TOOL.test(tool.type))
      throw new HiveError(
        "forbidden",
        `the tool type ${tool.type} runs on the model API's servers, which is not allowed from a cage`,
      );
  }
  for (const message of body.messages) checkContent(message.content);
  checkContent(body.system);
}

/** An alias stands for its family; a full id for itself. The small helper model of the CLI is always allowed. */
function allows(configured: string, asked: string): boolean {
  const model = configured.replace(/\[[^\]]*\]$/, "");
  if (asked === model || /(?:^|-)haiku(?:-|$)/.test(asked)) return true;
  const families = model === "opusplan" ? ["opus", "sonnet"] : [model];
  return families.some((family) => /^[a-z]+$/.test(family) && new RegExp(`^claude-(?:[0-9-]+-)?${family}(?:-|$)`).test(asked));
}

function checkContent(content: unknown): void {
  if (!Array.isArray(content)) return;
  for (const block of content as { type?: unknown; source?: { type?: unknown }; content?: unknown }[]) {
    if (typeof block !== "object" || block === null) continue;
    if ((block.type === "image" || block.type === "document") && !INLINE_SOURCES.has(String(block.source?.type))) {
      throw new HiveError(
        "forbidden",
        `${block.type}: only content that is in the request itself is allowed, not a source of type ${String(block.source?.type)}`,
      );
    }
    if (block.type === "container_upload") throw new HiveError("forbidden", "container_upload is not allowed from a cage");
    checkContent(block.content);
  }
}

/** The headers that go on: a fixed few, and the features that are on the list. The agent's own keys never do. */
export function upstreamHeaders(headers: NodeJS.Dict<string | string[]>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of HEADERS) {
    const value = headers[name];
    if (typeof value === "string") kept[name] = value;
  }
  const asked = headers["anthropic-beta"];
  const betas = (typeof asked === "string" ? asked : (asked ?? []).join(","))
    .split(",")
    .map((beta) => beta.trim())
    .filter((beta) => BETAS.has(beta.replace(/-\d{4}-?\d{2}-?\d{2}$/, "")));
  if (betas.length > 0) kept["anthropic-beta"] = betas.join(",");
  return kept;
}
