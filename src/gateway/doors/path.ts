/** Characters of a request's address that a door takes: the limit of most servers. */
const MAX_TARGET_CHARS = 8 * 1024;

/** Parameters by which frameworks let a request have another method. */
const METHOD_PARAMETERS = ["_method", "_http_method", "x-http-method-override", "x-http-method", "x-method-override"];

/** The address of a call, read as the server at the other end must read it. */
export interface DoorTarget {
  /** The door, and the decoded segments below it. */
  door: string;
  segments: string[];
  /** With its `?`, or empty. */
  query: string;
}

/**
 * Reads the address of a call to a door. A path that two programs could read in different ways is no address: the rest
 * of the text says why. The segments hold what was matched, and the call is written from them, so nothing else is sent.
 */
export function doorTarget(raw: string): DoorTarget | string {
  if (raw.length > MAX_TARGET_CHARS) return `an address has at most ${MAX_TARGET_CHARS} characters`;
  if (!/^\/[\x21-\x7e]*$/.test(raw) || /[#\\<>"^`{|}]/.test(raw)) return "the address has a character that has to be encoded";
  const at = raw.indexOf("?");
  const [path, query] = at < 0 ? [raw, ""] : [raw.slice(0, at), raw.slice(at)];
  const segments: string[] = [];
  // `/github` and `/github/` both name the root of the API.
  for (const part of path
    .slice(1)
    .replace(/^([^/]+)\/$/, "$1")
    .split("/")) {
    let segment: string;
    try {
      segment = decodeURIComponent(part);
    } catch {
      // Also half an encoding: `%`, `%e`.
      return "the path has an encoding that is not UTF-8";
    }
    if (/%(?:2f|5c|2e)/i.test(part)) return "the path has an encoded /, \\ or .";
    // Encoded twice, and decoded twice by a careless server.
    if (/%[0-9a-f]{2}/i.test(segment)) return "the path is encoded twice";
    if (/[\p{Cc}/\\]/u.test(segment)) return "the path has a control character";
    // Some servers cut parameters off a segment before they read it: `..;x`.
    const name = segment.replace(/;.*$/s, "");
    if (name === "") return "the path has an empty segment";
    if (name === "." || name === "..") return "the path has a . or .. segment";
    segments.push(segment);
  }
  if ([...new URLSearchParams(query).keys()].some((name) => METHOD_PARAMETERS.includes(name.toLowerCase())))
    return "the query asks for another method";
  const [door = "", ...rest] = segments;
  return { door, segments: rest, query };
}

/** The path of decoded segments, written in one way. */
export const pathOf = (segments: readonly string[]): string =>
  segments.map((segment) => `/${encodeURIComponent(segment)}`).join("");
