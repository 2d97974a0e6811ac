import { cut } from "../wire/cut.ts";
import { MAX_BODY_BYTES, MAX_REASON_CHARS } from "../wire/limits.ts";
import type { Notice } from "../wire/notices.ts";

/**
 * A notice as the body of a message, within the limit of every body. If it is longer, its texts are cut to
 * `MAX_REASON_CHARS` each. A notice has fewer than ten texts, and a character takes at most six bytes.
 */
export function noticeBody(notice: Notice): string {
  const body = JSON.stringify(notice);
  // A character takes at most three bytes of UTF-8, so most notices need no byte count.
  if (body.length * 3 <= MAX_BODY_BYTES || Buffer.byteLength(body) <= MAX_BODY_BYTES) return body;
  return JSON.stringify(notice, (_, value: unknown) => (typeof value === "string" ? cut(value, MAX_REASON_CHARS) : value));
}
