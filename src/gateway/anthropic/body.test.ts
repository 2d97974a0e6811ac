import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { HiveError } from "../../wire/error.ts";
import { readBody } from "./body.ts";
import { betaName, BETAS, LEFT_OUT_BETAS, upstreamHeaders } from "./headers.ts";
import { checkModel } from "./models.ts";

/**
 * Requests of Claude Code 2.1.330 with each kind of option, model and tool: the smallest set in which each of its
 * fields, blocks and betas occurs. Long texts, and tools and messages of a repeated shape, are truncated.
 */
const CAPTURED = readFileSync(join(import.meta.dirname, "claude-requests.jsonl"), "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as { headers: Record<string, string>; body: Record<string, unknown> });

const read = (body: unknown) => readBody(Buffer.from(JSON.stringify(body)));
function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof HiveError && error.code !== "internal") return error.message;
    throw error;
  }
  return "";
}
const says = (content: unknown, extra: object = {}) => ({
  model: "claude-sonnet-5-5",
  messages: [{ role: "user", content }],
  ...extra,
});
const byUrl = { type: "image", source: { type: "url", url: "http://169.254.169.254/" } };

/** Fields that the API does not read, or reads as a schema: they may contain anything. */
const FREE = new Set(["input", "input_schema", "schema"]);

/** Every object of a body, with its path in complaints. */
function* objectsOf(value: unknown, path: string): Generator<{ object: Record<string, unknown>; path: string }> {
  if (Array.isArray(value)) {
    for (const [index, one] of value.entries()) yield* objectsOf(one, `${path}[${index}]`);
  } else if (typeof value === "object" && value !== null) {
    yield { object: value as Record<string, unknown>, path };
    for (const [key, one] of Object.entries(value))
      if (!FREE.has(key)) yield* objectsOf(one, path === "" ? key : `${path}.${key}`);
  }
}

describe("requests of the real CLI", () => {
  test("are read as they are written: no field of a tool input or of a schema is lost", () => {
    const odd = JSON.parse('{"__proto__":{"a":1},"constructor":2}') as object;
    const body = {
      ...says([{ type: "tool_use", id: "x", name: "y", input: odd }]),
      tools: [{ name: "y", input_schema: odd }],
      output_format: { type: "json_schema", schema: odd },
    };
    const written = JSON.stringify(body);
    expect(JSON.stringify(readBody(Buffer.from(written)))).toBe(written);
  });

  test("pass, and every beta in them is decided on", () => {
    for (const { headers, body } of CAPTURED) {
      expect(refusal(() => read(body))).toBe("");
      for (const beta of headers["anthropic-beta"]?.split(",") ?? [])
        expect([...BETAS, ...LEFT_OUT_BETAS]).toContain(betaName(beta));
      expect(upstreamHeaders(headers)).toMatchObject({ "anthropic-version": "2023-06-01", "x-app": "cli" });
    }
  });

  test("with a new field anywhere are refused with its path and the list to extend", () => {
    let tried = 0;
    for (const { body } of CAPTURED) {
      for (const { object, path } of objectsOf(body, "")) {
        object["brand_new"] = 1;
        expect(refusal(() => read(body))).toMatch(
          new RegExp(
            `^${escaped(path === "" ? "brand_new" : `${path}.brand_new`)}: .*\\(list: \\w+ in src/gateway/anthropic/\\w+\\.ts\\)$`,
          ),
        );
        delete object["brand_new"];
        tried++;
      }
    }
    expect(tried).toBeGreaterThan(200);
  });

  test("with a new block type anywhere are refused with its path and the list to extend", () => {
    for (const { body } of CAPTURED) {
      for (const { object, path } of objectsOf(body, "")) {
        const type = object["type"];
        if (type === undefined) continue;
        object["type"] = "brand_new";
        const words = refusal(() => read(body));
        expect(words, path).toContain(path);
        expect(words).toMatch(/: "brand_new" is not allowed from a cage.*\(list: \w+ in src\/gateway\/anthropic\/\w+\.ts\)$/);
        object["type"] = type;
      }
    }
  });
});
const escaped = (text: string): string => text.replaceAll(/[.[\]]/g, String.raw`\$&`);

describe("requests to the model API that a cage may not make", () => {
  test.each([
    ["web search", { tools: [{ type: "web_search_20250305", name: "web_search" }] }, "tools[0].type: "],
    ["code execution", { tools: [{ type: "code_execution_20250825", name: "code_execution" }] }, "tools[0].type: "],
    ["an MCP toolset", { tools: [{ type: "mcp_toolset", mcp_server_name: "x" }] }, "tools[0].type: "],
    [
      "a tool that code on the API's servers may call",
      { tools: [tool({ allowed_callers: ["code_execution_20250825"] })] },
      "tools[0].allowed_callers: ",
    ],
    ["remote MCP servers", { mcp_servers: [{ type: "url", url: "https://evil.example" }] }, "mcp_servers: "],
    ["a container", { container: "c" }, "container: "],
    ["skills", { skills: [{ type: "anthropic", skill_id: "pptx" }] }, "skills: "],
    ["fallbacks", { fallbacks: [{ model: "claude-opus-5-5" }] }, "fallbacks: "],
    ["a service tier", { service_tier: "auto" }, "service_tier: "],
    ["an inference location", { inference_geo: "us" }, "inference_geo: "],
    ["a more expensive speed", { speed: "fast" }, "speed: "],
    ["a thread that the API stores", { thread: { type: "create" } }, "thread: "],
    ["another user's account", { user_profile_id: "x" }, "user_profile_id: "],
    ["a prototype", JSON.parse('{"__proto__":{"container":"c"}}') as object, "__proto__: "],
    [
      "a tool definition between messages",
      between([
        {
          type: "tool_addition",
          tool: { type: "tool_definition", definition: { type: "web_fetch_20250910", name: "web_fetch" } },
        },
      ]),
      "messages[1].content[0].tool.definition.type: ",
    ],
    [
      "an MCP toolset between messages",
      between([{ type: "tool_addition", tool: { type: "mcp_toolset", server_name: "x" } }]),
      "messages[1].content[0].tool.type: ",
    ],
    ["an image by URL in the system prompt", { system: [byUrl] }, "system[0].type: "],
  ])("%s", (_what, extra, words) => {
    expect(refusal(() => read({ ...says("hi"), ...extra }))).toContain(words);
    expect(Object.keys(extra)).not.toEqual([]);
  });

  test.each([
    ["an image by URL", [byUrl], 'messages[0].content[0].source.type: "url" '],
    [
      "an image by file id",
      [{ type: "image", source: { type: "file", file_id: "x" } }],
      'messages[0].content[0].source.type: "file" ',
    ],
    [
      "a document by URL",
      [{ type: "document", source: { type: "url", url: "http://x" } }],
      'messages[0].content[0].source.type: "url" ',
    ],
    [
      "an image by URL inside a document",
      [{ type: "document", source: { type: "content", content: [{ type: "text", text: "x" }, byUrl] } }],
      'messages[0].content[0].source.content[1].source.type: "url" ',
    ],
    [
      "an image by URL inside a document inside a tool's result",
      [result([{ type: "document", source: { type: "content", content: [byUrl] } }])],
      'messages[0].content[0].content[0].source.content[0].source.type: "url" ',
    ],
    ["an image by URL inside a tool's result", [result([byUrl])], 'messages[0].content[0].content[0].source.type: "url" '],
    ["an upload into a container", [{ type: "container_upload", file_id: "x" }], "messages[0].content[0].type: "],
    ["a tool's result inside a tool's result", [result([result("x")])], "messages[0].content[0].content[0].type: "],
    [
      "a call of the API's own tools",
      [{ type: "server_tool_use", id: "x", name: "web_fetch", input: {} }],
      "messages[0].content[0].type: ",
    ],
    [
      "a call by code that the API runs",
      [{ type: "tool_use", id: "x", name: "y", input: {}, caller: { type: "code_execution_20250825", tool_id: "z" } }],
      "messages[0].content[0].caller.type: ",
    ],
    [
      "an image of an unknown kind",
      [{ type: "image", source: { type: "base64", media_type: "image/svg+xml", data: "" } }],
      "messages[0].content[0].source.media_type: ",
    ],
    ["content without blocks", 7, "messages[0].content: "],
  ])("%s", (_what, content, words) => {
    expect(refusal(() => read(says(content)))).toContain(words);
  });

  test.each([
    ["a duplicate key", '{"model":"a","model":"b","messages":[{"role":"user","content":"x"}]}'],
    ["a duplicate key, once escaped", '{"model":"a","mod\\u0065l":"b","messages":[{"role":"user","content":"x"}]}'],
    ["excessive depth", `{"model":"a","messages":[{"role":"user","content":${"[".repeat(5000)}${"]".repeat(5000)}}]}`],
    ["not JSON", "nonsense"],
    ["a byte order mark", '\uFEFF{"model":"a","messages":[{"role":"user","content":"x"}]}'],
  ])("%s", (_what, text) => {
    expect(refusal(() => readBody(Buffer.from(text)))).not.toBe("");
  });

  test("bytes that are not UTF-8: the API could read them as another key", () => {
    const text = Buffer.from('{"model":"a","messages":[{"role":"user","content":"x"}]}');
    text[text.indexOf("x")] = 0xff;
    expect(refusal(() => readBody(text))).toBe("the request is not UTF-8");
  });

  test("few bytes that would take much memory", () => {
    for (const filler of ["[],", "{},", "0,"]) {
      const input = `[${filler.repeat(1_000_000)}0]`;
      const text = JSON.stringify(says([{ type: "tool_use", id: "x", name: "y", input: { x: 0 } }])).replace(
        '"x":0',
        `"x":${input}`,
      );
      expect(refusal(() => readBody(Buffer.from(text)))).toBe("a request has at most 200000 values");
    }
  });

  test("a complaint quotes only short parts of a request", () => {
    const long = "x".repeat(100_000);
    for (const body of [{ ...says("hi"), [long]: 1 }, says([{ type: long }]), { ...says("hi"), model: long }])
      expect(refusal(() => read(body)).length).toBeLessThan(400);
  });
});

describe("models", () => {
  test.each([
    ["claude-sonnet-5-5", ["sonnet"]],
    ["claude-sonnet-5-5", ["sonnet[1m]"]],
    ["claude-sonnet-4-5-20250929", ["sonnet"]],
    ["claude-3-5-sonnet-20241022", ["sonnet"]],
    ["claude-opus-5-5", ["opusplan"]],
    ["claude-sonnet-5-5", ["opusplan"]],
    ["claude-opus-5-5", ["best"]],
    ["claude-opus-5-5", ["sonnet", "opus"]],
    ["claude-haiku-4-5-20251001", ["sonnet"]],
    ["claude-3-5-haiku-latest", ["sonnet"]],
    ["glm-5", ["glm-5"]],
  ])("%s is among %j", (asked, configured) => {
    expect(refusal(() => checkModel(asked, configured))).toBe("");
  });

  test.each([
    ["claude-opus-5-5", ["sonnet"]],
    ["claude-opus-4-haiku-x", ["sonnet"]],
    ["claude-haiku", ["sonnet"]],
    ["haiku", ["sonnet"]],
    ["my-haiku-4", ["sonnet"]],
    ["claude-haiku-4-5-20251001-opus", ["sonnet"]],
    ["claude-haiku-4-5\n", ["sonnet"]],
    ["claude-sonnet-opus-4", ["sonnet"]],
    ["claude-sonnet-5-5-fast", ["sonnet"]],
    ["evil-claude-sonnet-5", ["sonnet"]],
    ["claude-sonnet-5-5", ["claude-sonnet-4-5"]],
    ["claude-constructor-5", ["constructor"]],
    ["glm-5-large", ["glm-5"]],
  ])("%j is not among %j", (asked, configured) => {
    expect(refusal(() => checkModel(asked, configured))).toMatch(/^the model .* is not this agent's/);
  });
});

test("the agent's own keys are dropped, betas pass by name with any date, and an invalid value is dropped", () => {
  const kept = upstreamHeaders({
    "x-api-key": "sk-mine",
    authorization: "Bearer mine",
    cookie: "x",
    "content-type": "multipart/form-data",
    "content-encoding": "gzip",
    "anthropic-version": "2023-06-01",
    "user-agent": "x".repeat(10_000),
    "x-stainless-os": "Linux",
    "anthropic-beta":
      "claude-code-20250219,mcp-client-2025-11-20,code-execution-2025-08-25,effort-2031-01-01,files-api-2025-04-14,fast-mode-2026-02-01",
  });
  expect(kept).toEqual({
    "content-type": "application/json",
    "anthropic-version": "2023-06-01",
    "x-stainless-os": "Linux",
    "anthropic-beta": "claude-code-20250219,effort-2031-01-01",
  });
});

function tool(extra: object) {
  return { name: "x", input_schema: {}, ...extra };
}
function result(content: unknown) {
  return { type: "tool_result", tool_use_id: "t", content };
}
function between(content: unknown[]) {
  return {
    messages: [
      { role: "user", content: "hi" },
      { role: "system", content },
    ],
  };
}
