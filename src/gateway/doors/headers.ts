import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";

/**
 * Headers of a call that are not passed on: those of one connection, those that say who calls or on whose behalf, those
 * that ask for another method or path, and those that would let an answer hide what it repeats (a part, an encoding or
 * another alphabet).
 */
const DROPPED = [
  /^(?:connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|host|via|forwarded|http2-settings)$/,
  /^(?:proxy-|sec-|x-forwarded|x-real-ip$|x-original-|x-rewrite-|cf-|x-amz-security)/,
  /method/,
  // Credentials, by what they are called: the call has the door's, and no other.
  /(?:auth|token|secret|passw|session|cookie|credential|signature|api-?key|private)/,
  /^(?!idempotency-key$)(?:.*-)?key$/,
  /(?:sudo|impersonat|on-behalf)/,
  /^(?:accept-encoding|accept-charset|range|if-range)$/,
];

/** Headers of a call to pass on. Those that `Connection` names are dropped, too, and `own`, which the door sets. */
export function callHeaders(headers: IncomingHttpHeaders, own: string): OutgoingHttpHeaders {
  const ofConnection = (headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  const passed: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && name !== own && !ofConnection.includes(name) && !DROPPED.some((one) => one.test(name)))
      passed[name] = value;
  return passed;
}

/** Headers of an answer that are not handed back: of one connection, of the body as it was sent, and credentials. */
const KEPT_BACK =
  /^(?:connection|keep-alive|te|trailer|transfer-encoding|upgrade|content-length|content-encoding|set-cookie2?|alt-svc|proxy-.*)$/;

/** Headers of an answer, with each text as `replaced` makes it. */
export function answerHeaders(headers: IncomingHttpHeaders, replaced: (text: string) => string): OutgoingHttpHeaders {
  const passed: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !KEPT_BACK.test(name))
      passed[replaced(name)] = Array.isArray(value) ? value.map(replaced) : replaced(value);
  return passed;
}
