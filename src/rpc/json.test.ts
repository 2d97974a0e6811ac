import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { MAX_JSON_DEPTH, MAX_JSON_VALUES } from "../wire/limits.ts";
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

  test.each([
    ["keys", `{"x":{${Array.from({ length: 40_000 }, (_, n) => `"k${n}":0`).join(",")},"k7":1}}`, /"k7" appears twice/],
    ["escaped keys", `{${String.raw`"\u006b":0,"k":1`}}`, /"k" appears twice/],
    ["a key after an object of the same key", '{"a":{"a":1},"b":[{"a":1}],"a":2}', /"a" appears twice/],
  ])("finds a duplicate among %s", (_, text, words) => {
    expect(() => parseStrictObject(text)).toThrow(words);
  });

  test("bounds the values of a text before the parser sees it", () => {
    const values = (count: number): string => `{"x":[${"{},".repeat(count)}0`;
    const parse = vi.spyOn(JSON, "parse");
    expect(() => parseStrictObject(values(700_000))).toThrow(`at most ${MAX_JSON_VALUES} values`);
    expect(() => parseStrictObject(`{"x":"${"{},".repeat(700_000)}`)).toThrow(/not JSON/);
    expect(parse).toHaveBeenCalledTimes(1);
    parse.mockRestore();
  });

  test("a duplicate among many keys costs no more parsing than the text itself", () => {
    const keys = Array.from({ length: 40_000 }, (_, n) => `"k${n}":0`).join(",");
    const parse = vi.spyOn(JSON, "parse");
    const matchAll = vi.spyOn(String.prototype, "matchAll");
    expect(() => parseStrictObject(`{${keys},"k39999":1}`)).toThrow(/"k39999" appears twice/);
    expect(parse).toHaveBeenCalledTimes(1);
    expect(matchAll).not.toHaveBeenCalled();
    parse.mockRestore();
    matchAll.mockRestore();
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
