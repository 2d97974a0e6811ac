import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_JSON_DEPTH } from "../wire/limits.ts";
import { parseStrictObject } from "./json.ts";

describe("parseStrictObject", () => {
  test.each([
    ["not JSON", "hello", /not JSON/],
    ["an array", "[1]", /is a JSON object/],
    ["null", "null", /is a JSON object/],
    ["a duplicate key", '{"a":1,"a":2}', /"a" appears twice/],
    ["a duplicate key, once escaped", String.raw`{"a":1,"\u0061":2}`, /appears twice/],
    ["a nested duplicate key", '{"x":[{"b":1,"c":{},"b":2}]}', /"b" appears twice/],
    ["half an object", '{"a":', /not JSON/],
    ["an unterminated string", '{"a', /not JSON/],
  ])("refuses %s", (_, text, words) => {
    expect(() => parseStrictObject(text)).toThrow(words);
  });

  test("refuses deep nesting before the parser sees it", () => {
    const deep = `{"a":${"[".repeat(1_000_000)}`;
    expect(() => parseStrictObject(deep)).toThrow(`deeper than ${MAX_JSON_DEPTH}`);
  });

  test("ignores brackets inside strings and accepts equal keys in different objects", () => {
    const text = JSON.stringify({ a: "[[[{{{".repeat(100), b: [{ a: 1 }, { a: 2 }], 'q"': "\\" });
    expect(parseStrictObject(text)).toEqual(JSON.parse(text));
  });

  test("treats __proto__ as an ordinary key and changes no prototype", () => {
    const parsed = parseStrictObject('{"__proto__":{"polluted":true}}');
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    expect(Object.hasOwn(parsed, "__proto__")).toBe(true);
  });

  test("agrees with JSON.parse on every object that JSON.stringify writes", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })), (value) => {
        const text = JSON.stringify(value);
        expect(parseStrictObject(text)).toEqual(JSON.parse(text));
      }),
      { numRuns: 2000 },
    );
  });
});
