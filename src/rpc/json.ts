import { HiveError } from "../wire/error.ts";
import { MAX_JSON_DEPTH } from "../wire/limits.ts";

/**
 * Parses JSON from an untrusted peer: an object, no deeper than `maxDepth`, no key twice in one object.
 * `JSON.parse` keeps the last of two equal keys, and two readers of one line could then see two different requests.
 * Throws `bad_request` that says what is wrong.
 */
export function parseStrictObject(text: string, maxDepth = MAX_JSON_DEPTH): Record<string, unknown> {
  scan(text, maxDepth);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new HiveError("bad_request", "this is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new HiveError("bad_request", "a request is a JSON object");
  }
  return value as Record<string, unknown>;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;

/** One pass over the text before it is parsed: depth (so that the parser cannot be made to recurse) and double keys. */
function scan(text: string, maxDepth: number): void {
  // One entry per open object (its keys) or array (undefined).
  const open: (Set<string> | undefined)[] = [];
  let expectKey = false;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
      case 0x5b: {
        // [
        if (open.length >= maxDepth) throw new HiveError("bad_request", `nested deeper than ${maxDepth} levels`);
        const isObject = text.charCodeAt(at) === 0x7b;
        open.push(isObject ? new Set() : undefined);
        expectKey = isObject;
        break;
      }
      case 0x7d: // }
      case 0x5d: // ]
        open.pop();
        expectKey = false;
        break;
      case COMMA:
        expectKey = open.at(-1) !== undefined;
        break;
      case COLON:
        expectKey = false;
        break;
      case QUOTE: {
        const start = at;
        at = endOfString(text, start);
        if (expectKey) rememberKey(open.at(-1), text.slice(start, at + 1));
        break;
      }
    }
  }
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

function rememberKey(keys: Set<string> | undefined, quoted: string): void {
  if (!keys) return;
  let key = quoted.slice(1, -1);
  if (key.includes("\\")) {
    try {
      key = JSON.parse(quoted) as string;
    } catch {
      return; // not JSON: the parser says so
    }
  }
  if (keys.has(key)) throw new HiveError("bad_request", `the key ${JSON.stringify(key.slice(0, 80))} appears twice`);
  keys.add(key);
}
