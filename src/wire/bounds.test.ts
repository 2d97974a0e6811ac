import { describe, expect, test } from "vitest";
import { z } from "zod";
import { cut } from "./cut.ts";
import { MAX_SERVERS } from "./config-limits.ts";
import {
  MAX_AGENTS,
  MAX_DELTA_CHARS,
  MAX_FIGURE,
  MAX_LEASES,
  MAX_REASON_CHARS,
  MAX_SESSION_ID_CHARS,
  MAX_TOKEN_CHARS,
  MAX_TURN,
} from "./limits.ts";
import { operations, operationsOf, type OperationName } from "./operations.ts";

/** What the JSON schema of an input cannot show, and what bounds it instead. */
const BOUNDED_OTHERWISE: Readonly<Record<string, string>> = {
  "send.body": "Body",
  "wake.body": "Body",
  "finish.outcome.reason": "Reason",
  "report.problem": "Reason",
  "report.workspace.reason": "Reason",
  "confirm.refused": "Reason",
  "report.work[].branch": "WorkDone",
  "report.servers": "ServerReport",
  "report.servers.*": "ServerReport",
  "report.servers.key": "ServerReport",
};
/** A longer event is cut or replaced by a note before it is stored (`src/agents/turns.test.ts`). */
const EVENT_TEXT = /^publish\.events\[\]\.event\.(?:from|body|session_id|model|mcp|mcp\.\*|mcp\.key|text|id|name|input|reason)$/;
/** Whole patterns that bound the length of their text. */
const BOUNDING_PATTERN = /^\^(?:\[[^\]]+\]|\(\?:|\)\?|\{(?:\d+,)?\d+\})+\$$/;

type Json = Record<string, unknown>;

/** The paths of an input at which a value has no bound. */
function unbounded(schema: Json, path: string): string[] {
  const found: string[] = [];
  const into = (part: unknown, at: string): void => {
    if (typeof part === "object" && part !== null) found.push(...unbounded(part as Json, at));
  };
  const variants = ["anyOf", "oneOf", "allOf"].flatMap((key) => (schema[key] as Json[] | undefined) ?? []);
  for (const variant of variants) into(variant, path);
  const { type, pattern } = schema;
  const isFixed = "const" in schema || "enum" in schema;
  if (type === undefined && variants.length === 0 && !isFixed) found.push(path);
  if (type === "string" && !isFixed && schema["maxLength"] === undefined)
    if (typeof pattern !== "string" || !BOUNDING_PATTERN.test(pattern)) found.push(path);
  if ((type === "number" || type === "integer") && !("minimum" in schema && "maximum" in schema)) found.push(path);
  if (type === "array" && schema["maxItems"] === undefined) found.push(path);
  if (type === "array") into(schema["items"], `${path}[]`);
  if (type !== "object") return found;
  for (const [key, part] of Object.entries((schema["properties"] as Json | undefined) ?? {})) into(part, `${path}.${key}`);
  if (typeof schema["additionalProperties"] !== "object") return found;
  found.push(path);
  into(schema["additionalProperties"], `${path}.*`);
  into(schema["propertyNames"], `${path}.key`);
  return found;
}

const agentSide = [...new Set((["agent", "manager", "harness"] as const).flatMap(operationsOf))];

test.each(agentSide)("every text, list and number of %s has a bound", (name) => {
  // Of a name that is transformed, the bound is on the side of the output.
  const paths = (["input", "output"] as const).map((io) =>
    unbounded(z.toJSONSchema(operations[name].input, { io, unrepresentable: "any" }), name),
  );
  const [inputs = [], outputs = []] = paths;
  const both = inputs.filter((path) => outputs.includes(path));
  expect(both.filter((path) => !(path in BOUNDED_OTHERWISE) && !EVENT_TEXT.test(path))).toEqual([]);
});

const LONG = "x".repeat(1_900_000);
const HELLO = { protocol: 3, revision: "r", generation: 1, instance: "instance" };
const AT = "2030-01-31T00:00:00.000Z";
const END = { type: "turn_end", turn: 1, ok: true, reason: "", duration_ms: 1 };
const TOKENS = { input: 0, output: 0, cache_read: 0, cache_write: 0 };
const publish = (event: object, at = AT): object => ({ events: [{ n: 1, at, event }] });
const parse = (name: OperationName, input: object): Json | undefined => operations[name].input.safeParse(input).data;

describe("what a cage sends", () => {
  test.each<[OperationName, object, string]>([
    ["finish", { turn: 1, outcome: { kind: "parked", why: "config", reason: LONG } }, "outcome.reason"],
    ["finish", { turn: 1, outcome: { kind: "failed", reason: LONG } }, "outcome.reason"],
    ["report", { problem: LONG }, "problem"],
    ["report", { servers: { ledger: LONG } }, "servers.ledger"],
    ["confirm", { nonce: "n", refused: LONG }, "refused"],
  ])("%s %#: a reason is cut, not refused", (name, input, path) => {
    const reason = path.split(".").reduce((at: unknown, key) => (at as Json)[key], parse(name, input));
    expect(reason).toBe(`${"x".repeat(MAX_REASON_CHARS - 7)}… (cut)`);
  });

  test.each<[string, OperationName, object]>([
    ["a delta", "delta", { kind: "text", text: "x".repeat(MAX_DELTA_CHARS + 1) }],
    ["a lease's token", "hello", { ...HELLO, leases: [{ id: 1, token: "x".repeat(MAX_TOKEN_CHARS + 1) }] }],
    ["leases", "hello", { ...HELLO, leases: Array.from({ length: MAX_LEASES + 1 }, (_, n) => ({ id: n + 1, token: "t" })) }],
    ["a nonce", "confirm", { nonce: "x".repeat(MAX_TOKEN_CHARS + 1) }],
    ["a session's id", "report", { session_id: "x".repeat(MAX_SESSION_ID_CHARS + 1) }],
    ["servers", "report", { servers: Object.fromEntries(Array.from({ length: MAX_SERVERS + 2 }, (_, n) => [`s${n}`, "no"])) }],
    ["context", "report", { context_tokens: 1e300 }],
    ["a scope", "start", { scope: { agent_names: Array.from({ length: MAX_AGENTS + 1 }, () => "ada") } }],
    ["an instant", "publish", publish({ type: "text", text: "" }, `2030-01-31T00:00:00.${"0".repeat(1_000_000)}Z`)],
    [
      "the end of a rate limit",
      "finish",
      {
        turn: 1,
        outcome: { kind: "parked", why: "rate_limited", reason: "", resumes_at: `2030-01-31T00:00:00.${"0".repeat(99)}Z` },
      },
    ],
    ["a turn", "finish", { turn: MAX_TURN + 1, outcome: { kind: "ok" } }],
    [
      "a turn's start",
      "publish",
      publish({
        type: "turn_start",
        turn: Number.MAX_SAFE_INTEGER,
        message_id: 1,
        from: "",
        body: "",
        unread: 0,
        redelivered: false,
      }),
    ],
    ["a turn's end", "publish", publish({ ...END, turn: Number.MAX_SAFE_INTEGER, tokens: TOKENS })],
    ["a duration", "publish", publish({ ...END, duration_ms: MAX_FIGURE * 2, tokens: TOKENS })],
    ["negative tokens", "publish", publish({ ...END, tokens: { ...TOKENS, input: -1 } })],
    ["a cost", "publish", publish({ ...END, tokens: TOKENS, cost_usd: 1e308 })],
    ["bytes before a cut", "publish", publish({ type: "tool_result", id: "t", text: "", is_error: false, cut_from: 1e308 })],
    ["a model with an escape", "model", { name: "nina", model: "opus\u001B[2J" }],
    ["a model with a line break", "model", { name: "nina", model: "opus\n" }],
    ["a model that looks like an option", "model", { name: "nina", model: "--dangerously" }],
  ])("%s beyond its bound is refused", (_, name, input) => {
    expect(parse(name, input)).toBeUndefined();
  });
});

test("a cut text never ends within a surrogate pair", () => {
  expect(cut("🐝".repeat(10), 20)).toBe("🐝".repeat(10));
  expect(cut("🐝".repeat(10), 19)).toBe(`${"🐝".repeat(6)}… (cut)`);
  expect(cut("🐝".repeat(10), 18)).toBe(`${"🐝".repeat(5)}… (cut)`);
  expect(cut("🐝".repeat(10), 18).isWellFormed()).toBe(true);
});
