import { HiveError } from "../wire/error.ts";
import { MAX_JSON_DEPTH, MAX_JSON_VALUES } from "../wire/limits.ts";

/** The error text for input that is not JSON. */
export const NO_JSON = "this is not JSON";

/**
 * Parses JSON from an untrusted peer. It must be an object, nest at most `maxDepth` levels, have at most `maxValues`
 * values (each takes many times its bytes in memory), and have no duplicate keys in an object. `JSON.parse` keeps the
 * last of two equal keys, so two readers of a line could see two different requests. Throws `bad_request` with the
 * reason.
 */
export function parseStrictObject(text: string, maxDepth = MAX_JSON_DEPTH, maxValues = MAX_JSON_VALUES): Record<string, unknown> {
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
 * Counts the colons outside strings: in JSON, one per key. Checks depth and size on the way, so that the input can
 * neither make the parser recurse nor fill the memory.
 */
function countColons(text: string, maxDepth: number, maxValues: number): number {
  let depth = 0;
  let colons = 0;
  /** Every value except the first of its container follows a comma. */
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
      case 0x5b: // [
        if (++depth > maxDepth) throw new HiveError("bad_request", `nested deeper than ${maxDepth} levels`);
        if (++values > maxValues) throw tooMany(maxValues);
        break;
      case COMMA:
        if (++values > maxValues) throw tooMany(maxValues);
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
  return colons;
}

const tooMany = (most: number): HiveError => new HiveError("too_large", `a request has at most ${most} values`);

/** The end of the string that begins at `start`. The native search makes a long body almost free. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}

/**
 * Counts the keys of all objects in a parsed value. If a key was duplicated, the count is lower than the number
 * written.
 */
function countKeys(value: object): number {
  let keys = 0;
  if (Array.isArray(value)) {
    for (const one of value as unknown[]) if (typeof one === "object" && one !== null) keys += countKeys(one);
    return keys;
  }
  // Not `Object.values`, which allocates an array per object. Parsed JSON has no inherited keys.
  for (const key in value) {
    keys++;
    const one = (value as Record<string, unknown>)[key];
    if (typeof one === "object" && one !== null) keys += countKeys(one);
  }
  return keys;
}

/** The first duplicate key in an object of valid JSON. Reads the text once, as `countColons` does. */
function doubledKey(text: string): string {
  const open: Set<string>[] = [];
  let lastString = "";
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
      case 0x5b: // [
        open.push(new Set());
        break;
      case 0x7d: // }
      case 0x5d: // ]
        open.pop();
        break;
      case QUOTE: {
        const start = at;
        at = endOfString(text, at);
        lastString = text.slice(start, at + 1);
        break;
      }
      case COLON: {
        const key = lastString.includes("\\") ? (JSON.parse(lastString) as string) : lastString.slice(1, -1);
        const keys = open.at(-1);
        if (keys?.has(key)) return key;
        keys?.add(key);
        break;
      }
    }
  }
  return "";
}
