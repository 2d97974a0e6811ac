import { HiveError } from "../wire/error.ts";
import { MAX_JSON_DEPTH } from "../wire/limits.ts";

/** The words for a text that is no JSON at all. */
export const NO_JSON = "this is not JSON";

/**
 * Parses JSON from an untrusted peer: an object, no deeper than `maxDepth`, of no more than `maxValues` values (each
 * takes many times its bytes in memory), no key twice in one object.
 * `JSON.parse` keeps the last of two equal keys, and two readers of one line could then see two different requests.
 * Throws `bad_request` that says what is wrong.
 */
export function parseStrictObject(
  text: string,
  maxDepth = MAX_JSON_DEPTH,
  maxValues = Number.POSITIVE_INFINITY,
): Record<string, unknown> {
  const written = countColons(text, maxDepth, maxValues);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new HiveError("bad_request", NO_JSON);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new HiveError("bad_request", "a request is a JSON object");
  }
  if (countKeys(value) !== written) {
    throw new HiveError("bad_request", `the key ${JSON.stringify(doubledKey(text).slice(0, 80))} appears twice`);
  }
  return value as Record<string, unknown>;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;

/**
 * How many colons stand outside of strings: in JSON that is one for each key. Looks at depth and size on the
 * way, so that the parser can be made neither to recurse nor to fill the memory.
 */
function countColons(text: string, maxDepth: number, maxValues: number): number {
  let depth = 0;
  let colons = 0;
  /** Every value but the first of its container stands behind a comma. */
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
      case 0x5b: // [
        if (++depth > maxDepth) throw new HiveError("bad_request", `nested deeper than ${maxDepth} levels`);
        values++;
        break;
      case COMMA:
        values++;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        depth--;
        break;
      case COLON:
        colons++;
        break;
      case QUOTE:
        at = endOfString(text, at);
        break;
    }
  }
  if (values > maxValues) throw new HiveError("too_large", `a request has at most ${maxValues} values`);
  return colons;
}

/** Where the string that begins at `start` ends. The native search makes a long body cost next to nothing. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}

/** How many keys the objects of a parsed value have: fewer than were written when one of them was written twice. */
function countKeys(value: object): number {
  let keys = 0;
  if (Array.isArray(value)) {
    for (const one of value as unknown[]) if (typeof one === "object" && one !== null) keys += countKeys(one);
    return keys;
  }
  // Not `Object.values`: that makes an array of each object. What JSON gives has no inherited keys.
  for (const key in value) {
    keys++;
    const one = (value as Record<string, unknown>)[key];
    if (typeof one === "object" && one !== null) keys += countKeys(one);
  }
  return keys;
}

const KEYS_AND_BRACKETS = /("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/g;

/** The first key that is twice in one object of valid JSON. */
function doubledKey(text: string): string {
  const open: Set<string>[] = [];
  for (const [token, string, colon] of text.matchAll(KEYS_AND_BRACKETS)) {
    if (token === "{" || token === "[") open.push(new Set());
    else if (token === "}" || token === "]") open.pop();
    else if (string !== undefined && colon !== undefined) {
      const key = JSON.parse(string) as string;
      const keys = open.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return "";
}
