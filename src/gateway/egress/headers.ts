import type { IncomingHttpHeaders } from "node:http";

/**
 * Headers of a plain GET or HEAD that are forwarded. All others are dropped: those for the proxy or for one connection,
 * those that announce a body (none is sent), and those that request another protocol.
 */
const PASSED = [
  "accept",
  "accept-charset",
  "accept-encoding",
  "accept-language",
  "authorization",
  "cache-control",
  "cookie",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "origin",
  "pragma",
  "range",
  "referer",
  "user-agent",
] as const;

/** The headers of a request to forward. Headers that `Connection` names are dropped, too. */
export function passedHeaders(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const ofConnection = new Set((headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase()));
  const passed: Record<string, string | string[]> = {};
  for (const name of PASSED) {
    const value: string | string[] | undefined = headers[name];
    if (value !== undefined && !ofConnection.has(name)) passed[name] = value;
  }
  return passed;
}
