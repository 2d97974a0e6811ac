import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isPublicAddress } from "../../src/gateway/egress/address.ts";
import { isListed, splitAuthority } from "../../src/gateway/egress/allow.ts";
import { MAX_HELLO_BYTES, readHello } from "../../src/gateway/egress/sni.ts";
import { UsageMeter } from "../../src/gateway/anthropic/meter.ts";
import { readBody } from "../../src/gateway/anthropic/body.ts";
import { upstreamHeaders } from "../../src/gateway/anthropic/headers.ts";
import { readConversation } from "../../src/gateway/anthropic/rehearsal/conversation.ts";
import { parseScenario } from "../../src/gateway/anthropic/rehearsal/scenario.ts";
import { wakePrompt } from "../../src/harness/prompt.ts";
import { parseStrictObject } from "../../src/rpc/json.ts";
import { LineSplitter } from "../../src/rpc/lines.ts";
import { AgentConfig } from "../../src/wire/config.ts";
import { HiveError } from "../../src/wire/error.ts";
import { MAX_BODY_BYTES, MAX_LINE_BYTES } from "../../src/wire/limits.ts";
import { Body } from "../../src/wire/message.ts";
import { AgentName, NewAgentName, RESERVED_NAMES } from "../../src/wire/names.ts";
import { operations, type OperationName } from "../../src/wire/operations.ts";
import { anyCharacter } from "../lib/code-points.ts";
import { PATIENCE_MS, RUNS } from "./runs.ts";

/** Every parser that untrusted input reaches, with generated input. `npm run fuzz` runs many more cases. */

const check = <Ts extends [unknown, ...unknown[]]>(property: fc.IProperty<Ts>): void => {
  fc.assert(property, { numRuns: RUNS });
};
/** Text that is nearly JSON: the grammar's alphabet in any order. */
const nearJson = fc
  .array(
    fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"',
      "\\",
      '"a"',
      '"\\u0061"',
      "1",
      "-",
      ".",
      "e5",
      "true",
      "null",
      " ",
      "\n",
      "\u0000",
      "é",
      "\u{1F600}",
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(""));
const anyJson = fc.jsonValue({ maxDepth: 6 });
/** An object with about half of our field names and random values. */
const strange = fc.dictionary(
  fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom(
      "__proto__",
      "constructor",
      "cmd",
      "id",
      "name",
      "to",
      "body",
      "scope",
      "agent_names",
      "all",
      "events",
      "outcome",
      "kind",
      "limit",
      "before",
      "config",
      "files",
      "sha",
      "digest",
    ),
  ),
  fc.oneof(
    anyJson,
    fc.constantFrom(
      "..",
      ".",
      "",
      "-rf",
      "a/../b",
      "a\u0000b",
      "operator",
      "manager",
      2 ** 53,
      -1,
      1.5,
      NaN,
      Infinity,
      [],
      {},
      null,
    ),
  ),
  { maxKeys: 12 },
);

/** A parser may refuse bad input only with an error for people. */
function refusal(run: () => unknown): unknown {
  try {
    return { value: run() };
  } catch (error) {
    if (!(error instanceof HiveError)) throw error;
    expect(error.message.length).toBeGreaterThan(0);
    return { refused: error.code };
  }
}

describe("lines", { timeout: PATIENCE_MS }, () => {
  test("the strict parser accepts an object exactly when JSON.parse does and no key is repeated", () => {
    check(
      fc.property(
        fc.oneof(
          nearJson,
          nearJson.map((text) => `{${text}}`),
        ),
        (text) => {
          const strict = refusal(() => parseStrictObject(text)) as { value?: object; refused?: string };
          let plain: unknown;
          try {
            plain = JSON.parse(text);
          } catch {
            // Our parser must refuse it, too.
            plain = undefined;
          }
          const isObject = typeof plain === "object" && plain !== null && !Array.isArray(plain);
          if (strict.value) expect(strict.value).toEqual(plain);
          else if (isObject) expect(() => parseStrictObject(text)).toThrow(/appears twice|deeper/);
          if (!isObject) expect(strict.value).toBeUndefined();
        },
      ),
    );
  });

  test("an object with repeated keys is refused at any depth", () => {
    const keys = fc.uniqueArray(fc.string({ maxLength: 6 }), { minLength: 1, maxLength: 5 });
    check(
      fc.property(keys, fc.nat(), fc.nat({ max: 5 }), fc.boolean(), (names, which, depth, isEscaped) => {
        const double = names[which % names.length] ?? "";
        const again = isEscaped ? `"${escaped(double)}"` : JSON.stringify(double);
        const fields = [...names.map((name) => JSON.stringify(name)), again].map((key) => `${key}:0`).join(",");
        const text = `${'{"d":'.repeat(depth)}{${fields}}${"}".repeat(depth)}`;
        expect(() => parseStrictObject(text)).toThrow(/appears twice/);
      }),
    );
  });

  test("lines are read as they were written, however the bytes were split", () => {
    const line = fc.string({ unit: "grapheme", maxLength: 30 }).map((text) => text.replace(/[\n\r]/g, "").trim());
    check(
      fc.property(
        fc.array(line, { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 40 }),
        (lines, cuts) => {
          const bytes = Buffer.from(lines.map((one) => `${one}\n`).join(""));
          const splitter = new LineSplitter();
          const seen: string[] = [];
          for (let at = 0, n = 0; at < bytes.length; n++) {
            const size = cuts[n % cuts.length] ?? 1;
            splitter.push(bytes.subarray(at, at + size), (one) => void seen.push(one));
            at += size;
          }
          expect(seen).toEqual(lines.filter((one) => one !== ""));
        },
      ),
    );
  });

  test("a line over the limit is refused, in one piece or in many", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1000, max: 70_000 }), (over, piece) => {
        const splitter = new LineSplitter();
        const chunk = Buffer.alloc(piece, 0x61);
        expect(() => {
          for (let sent = 0; sent < MAX_LINE_BYTES + over; sent += piece) splitter.push(chunk, () => {});
        }).toThrow(HiveError);
      }),
      { numRuns: Math.ceil(RUNS / 100) },
    );
  });
});

describe("the contract", { timeout: PATIENCE_MS }, () => {
  const names = Object.keys(operations) as OperationName[];
  test("no input makes a schema throw, and accepted input is accepted again with the same result", () => {
    check(
      fc.property(fc.constantFrom(...names), strange, (name, input) => {
        const first = operations[name].input.safeParse(input);
        if (!first.success) return;
        const again = operations[name].input.safeParse(first.data);
        expect(again.success).toBe(true);
        expect(again.data).toEqual(first.data);
        expect(Object.getPrototypeOf({})).toBe(Object.prototype);
      }),
    );
  });

  test("a name is accepted exactly when it matches the rule", () => {
    const candidate = fc.oneof(
      fc.string({ unit: fc.constantFrom(..."abz09-_./ A\u0000\n@é".split("")), maxLength: 40 }),
      fc.string({ unit: fc.constantFrom(..."abz09-".split("")), minLength: 1, maxLength: 34 }),
      fc.constantFrom(...RESERVED_NAMES),
    );
    check(
      fc.property(candidate, (name) => {
        const fits = name.length <= 32 && /^[a-z][a-z0-9-]*$/.test(name) && !name.endsWith("-");
        expect(AgentName.safeParse(name).success).toBe(fits);
        expect(NewAgentName.safeParse(name).success).toBe(fits && !(RESERVED_NAMES as readonly string[]).includes(name));
      }),
    );
  });

  test("a body is 1 byte to 256 KiB of well-formed text", () => {
    const body = fc.oneof(
      fc.string({ unit: anyCharacter, maxLength: 200 }),
      fc
        .tuple(
          fc.constantFrom("a", "é", "€", "\u{1F600}", "\uD800"),
          fc.integer({ min: MAX_BODY_BYTES / 4 - 2, max: MAX_BODY_BYTES + 2 }),
        )
        .map(([unit, times]) => unit.repeat(times)),
    );
    fc.assert(
      fc.property(body, (text) => {
        const bytes = Buffer.byteLength(text);
        expect(Body.safeParse(text).success).toBe(text.isWellFormed() && bytes >= 1 && bytes <= MAX_BODY_BYTES);
      }),
      { numRuns: Math.ceil(RUNS / 20) },
    );
  });

  test("agent.json: no value makes the schema throw, and an accepted config is self-contained", () => {
    const field = fc.constantFrom(
      "model",
      "description",
      "allowedRecipients",
      "extraMcpServers",
      "tools",
      "egress",
      "env",
      "limits",
      "mounts",
      "secrets",
      "cli",
      "other",
    );
    const value = fc.oneof(
      anyJson,
      fc.array(fc.constantFrom("a.example", "*.b.example:443", "EXAMPLE", "", "operator"), { maxLength: 3 }),
      fc.constant({ crawler: { command: "node" } }),
      fc.constant({ allow: ["WebFetch"], deny: [] }),
      fc.constant({ LD_PRELOAD: "x" }),
      fc.constant({ memory_mib: 512 }),
    );
    check(
      fc.property(fc.dictionary(field, value, { maxKeys: 6 }), (config) => {
        const parsed = AgentConfig.safeParse(config);
        if (!parsed.success) return;
        expect(AgentConfig.parse(parsed.data)).toEqual(parsed.data);
        expect(Object.keys(parsed.data.env).filter((name) => /^(?:LD_|ANTHROPIC_|CLAUDE|NODE_|HIVE_)/.test(name))).toEqual([]);
        expect("hive" in parsed.data.extraMcpServers).toBe(false);
      }),
    );
  });
});

describe("the gateway", { timeout: PATIENCE_MS }, () => {
  test("a body is read as it is or refused in words, and an accepted body has only listed fields and types", () => {
    const text = fc.record({ type: fc.constant("text"), text: fc.string() });
    const image = fc.record({
      type: fc.constant("image"),
      source: mostly(
        fc.record({ type: fc.constant("base64"), media_type: fc.constant("image/png"), data: fc.base64String() }),
        fc.record({ type: fc.constantFrom("url", "file", "base64"), url: fc.webUrl() }),
      ),
    });
    const document = fc.record({
      type: fc.constant("document"),
      source: mostly(
        fc.record({ type: fc.constant("content"), content: fc.array(fc.oneof(text, image), { maxLength: 2 }) }),
        fc.record({ type: fc.constantFrom("text", "url"), media_type: fc.constant("text/plain"), data: fc.string() }),
      ),
    });
    const inner = mostly(fc.oneof(text, image, document), anyJson);
    const content = fc.oneof(
      fc.string(),
      fc.array(
        fc.oneof(
          inner,
          fc.record({
            type: mostly(fc.constant("tool_result"), fc.constant("web_fetch_tool_result")),
            tool_use_id: fc.string(),
            content: fc.array(inner, { maxLength: 2 }),
          }),
          fc.record({
            type: mostly(fc.constant("tool_use"), fc.constant("server_tool_use")),
            id: fc.string(),
            name: fc.string(),
            input: fc.object(),
          }),
        ),
        { maxLength: 3 },
      ),
    );
    const body = fc.record(
      {
        model: fc.constantFrom("claude-sonnet-4-5", "gpt"),
        messages: fc.array(fc.record({ role: fc.constantFrom("user", "assistant", "system", "tool"), content }), {
          maxLength: 3,
        }),
        tools: fc.array(
          fc.record(
            {
              name: fc.string(),
              input_schema: fc.object(),
              type: mostly(fc.constant("custom"), fc.constant("web_fetch_20250910")),
            },
            { requiredKeys: ["name", "input_schema"] },
          ),
          { maxLength: 2 },
        ),
        system: mostly(fc.array(text, { maxLength: 2 }), content),
        stream: mostly(fc.boolean(), anyJson),
      },
      { requiredKeys: ["model", "messages"] },
    );
    let passed = 0;
    check(
      fc.property(body, mostly(fc.constant({}), fc.record({ container: anyJson })), (known, extra) => {
        const written = JSON.stringify({ ...known, ...extra });
        let read: unknown;
        const outcome = refusal(() => void (read = readBody(Buffer.from(written)))) as { refused?: string };
        if (outcome.refused !== undefined) return;
        passed++;
        // No other reader of the same bytes gets a different result.
        expect(read).toEqual(JSON.parse(written));
        for (const [key, one] of fieldsOf(read)) {
          expect(LISTED_FIELDS.has(key), key).toBe(true);
          if (key === "type") expect(LISTED_TYPES.has(one as string), String(one)).toBe(true);
        }
      }),
    );
    expect(passed).toBeGreaterThan(RUNS / 50);
  });

  test("bytes that are no body are refused in words", () => {
    check(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void refusal(() => readBody(Buffer.from(bytes)))));
  });

  test("only the allowed headers of the agent reach the upstream", () => {
    const name = fc.constantFrom(
      "x-api-key",
      "authorization",
      "cookie",
      "anthropic-beta",
      "accept",
      "host",
      "proxy-authorization",
      "anthropic-version",
    );
    check(
      fc.property(fc.dictionary(name, fc.string()), (headers) => {
        const kept = Object.keys(upstreamHeaders(headers));
        expect(kept.filter((one) => /key|authorization|cookie|host/.test(one))).toEqual([]);
      }),
    );
  });

  test("metering does not depend on how the bytes were split", () => {
    const usage = fc.record({ input_tokens: fc.nat(), output_tokens: fc.nat(), cache_read_input_tokens: fc.nat() });
    const event = fc.oneof(
      usage.map((of) => `data: ${JSON.stringify({ type: "message_start", message: { model: "m", usage: of } })}`),
      usage.map((of) => `data: ${JSON.stringify({ type: "message_delta", usage: of })}`),
      fc.string().map((text) => `data: ${JSON.stringify({ type: "content_block_delta", text: `"usage" ${text}` })}`),
      nearJson.map((text) => `data: {"usage"${text.replaceAll("\n", "")}`),
    );
    check(
      fc.property(
        fc.array(event, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
        (events, cuts) => {
          const bytes = Buffer.from(events.map((one) => `${one}\n\n`).join(""));
          const whole = new UsageMeter("text/event-stream");
          whole.take(bytes);
          const parts = new UsageMeter("text/event-stream");
          for (let at = 0, n = 0; at < bytes.length; n++) {
            const size = cuts[n % cuts.length] ?? 1;
            parts.take(bytes.subarray(at, at + size));
            at += size;
          }
          expect(parts.tokens).toEqual(whole.tokens);
          expect(Object.values(whole.tokens).every((count) => Number.isFinite(count) && count >= 0)).toBe(true);
        },
      ),
    );
  });

  test("the reader of TLS hellos survives any bytes, never waits for more than a hello, and finds the name in a complete one", () => {
    check(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, isHandshake) => {
        const read = readHello(Buffer.from(isHandshake ? [0x16, 3, 1, ...bytes] : bytes));
        expect(["more", "not-tls", "hello"]).toContain(read.kind);
      }),
    );
    expect(readHello(Buffer.concat([Buffer.from([0x16, 3, 1, 0xff, 0xff]), Buffer.alloc(MAX_HELLO_BYTES)])).kind).toBe("not-tls");
    const label = fc.stringMatching(/^[a-z0-9]{1,20}$/);
    check(
      fc.property(fc.array(label, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 80 }), (labels, cut) => {
        const name = labels.join(".");
        const hello = clientHello(name);
        expect(readHello(hello)).toEqual({ kind: "hello", serverName: name });
        expect(readHello(hello.subarray(0, Math.min(cut, hello.length - 1))).kind).toBe("more");
      }),
    );
  });

  test("no form of a private address is taken for a public one", () => {
    const octet = fc.integer({ min: 0, max: 255 });
    check(
      fc.property(fc.constantFrom("10", "127", "169.254", "192.168", "0", "224"), octet, octet, octet, (net, a, b, c) => {
        const four = [...net.split("."), a, b, c].slice(0, 4).join(".");
        expect(isPublicAddress(four)).toBe(false);
        expect(isPublicAddress(`::ffff:${four}`)).toBe(false);
        expect(isPublicAddress(`64:ff9b::${four}`)).toBe(false);
        expect(isPublicAddress(`[${four}]`)).toBe(false);
      }),
    );
    check(fc.property(fc.ipV6(), (six) => typeof isPublicAddress(six) === "boolean"));
    check(fc.property(fc.string(), (text) => !isPublicAddress(`${text} `)));
  });

  test("an authority is split into its parts, and a host that is not listed is refused", () => {
    const host = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?$/);
    check(
      fc.property(host, fc.integer({ min: 1, max: 65535 }), host, (name, port, other) => {
        expect(splitAuthority(`${name}:${port}`)).toEqual({ host: name, port });
        expect(isListed([`${name}:${port}`], name, port)).toBe(true);
        fc.pre(other !== name && !other.endsWith(`.${name}`));
        expect(isListed([name, `*.${name}`], other, 443)).toBe(false);
        expect(isListed([`*.${name}`], `x${name}`, 443)).toBe(false);
        expect(isListed([`*.${name}`], name, 443)).toBe(false);
      }),
    );
    check(fc.property(fc.string(), (text) => void splitAuthority(text)));
  });
});

describe("rehearsal", { timeout: PATIENCE_MS }, () => {
  test("any scenario is accepted, or refused with the file's name", () => {
    check(
      fc.property(
        fc.oneof(
          nearJson,
          anyJson.map((value) => JSON.stringify({ name: "x", rules: [value] })),
        ),
        (text) => {
          try {
            parseScenario(text, "some.json");
          } catch (error) {
            expect((error as Error).message).toMatch(/^some\.json/);
          }
        },
      ),
    );
  });

  test("the wake prompt transports sender and body of any text", () => {
    const sender = fc.constantFrom("operator", "system", "scout", "scout/chat");
    const body = fc.string({ unit: "grapheme", minLength: 1, maxLength: 80 }).map((text) => text.trim());
    check(
      fc.property(sender, body, fc.nat({ max: 3 }), fc.boolean(), (from, text, unread, redelivered) => {
        fc.pre(text !== "" && !/\(\d+ more pending/.test(text));
        const prompt = wakePrompt({ id: 1, from, body: text, redelivered, created_at: "2026-01-01T00:00:00.000Z" }, unread);
        const read = readConversation({ messages: [{ role: "user", content: prompt }] });
        expect(read.sender).toBe(from);
        expect(read.body).toBe(text);
      }),
    );
  });

  test("no conversation makes the reader throw", () => {
    const content = fc.oneof(
      fc.string(),
      fc.array(fc.dictionary(fc.constantFrom("type", "text", "content", "tool_use_id"), anyJson), { maxLength: 4 }),
    );
    check(
      fc.property(
        fc.array(fc.record({ role: fc.constantFrom("user", "assistant"), content }), { minLength: 1, maxLength: 5 }),
        (messages) => {
          readConversation({ messages });
        },
      ),
    );
  });
});

/** Nine times in ten the first. */
function mostly<A, B>(usual: fc.Arbitrary<A>, other: fc.Arbitrary<B>): fc.Arbitrary<A | B> {
  return fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: other });
}

/** The fields that the property above may find in an accepted body. */
const LISTED_FIELDS = new Set(
  "model messages tools system stream role content type text source media_type data tool_use_id id name input input_schema".split(
    " ",
  ),
);
const LISTED_TYPES = new Set("text image document base64 content tool_result tool_use custom".split(" "));
/** The fields of a value at every depth, except inside the input of a tool. */
function* fieldsOf(value: unknown): Generator<[string, unknown]> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, one] of Object.entries(value)) {
    if (!Array.isArray(value)) yield [key, one];
    if (key !== "input" && key !== "input_schema") yield* fieldsOf(one);
  }
}

/** The same text with each of its units escaped. */
function escaped(text: string): string {
  return Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`).join("");
}

/** The first record of a TLS connection to a name, with the only extension that matters. */
function clientHello(name: string): Buffer {
  const u16 = (n: number): Buffer => Buffer.from([n >> 8, n & 0xff]);
  const host = Buffer.from(name);
  const entry = Buffer.concat([Buffer.from([0]), u16(host.length), host]);
  const list = Buffer.concat([u16(entry.length), entry]);
  const extension = Buffer.concat([u16(0), u16(list.length), list]);
  const body = Buffer.concat([
    u16(0x0303),
    Buffer.alloc(32, 7),
    Buffer.from([0]),
    u16(2),
    u16(0x1301),
    Buffer.from([1, 0]),
    u16(extension.length),
    extension,
  ]);
  const message = Buffer.concat([Buffer.from([1, 0]), u16(body.length), body]);
  return Buffer.concat([Buffer.from([0x16, 3, 1]), u16(message.length), message]);
}
