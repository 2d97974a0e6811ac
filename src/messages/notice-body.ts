import { cut } from "../wire/cut.ts";
import { MAX_BODY_BYTES, MAX_REASON_CHARS } from "../wire/limits.ts";
import type { Notice } from "../wire/notices.ts";

/**
 * A notice as the body of a message. It obeys the limit of every body: if it is longer, its texts are cut to
 * `MAX_REASON_CHARS` each. A notice has fewer than ten, each up to six bytes a character.
 */
export function noticeBody(notice: Notice): string {
  const body = JSON.stringify(notice);
  // A character is at most three bytes of UTF-8: nearly every notice is known to fit.
  if (body.length * 3 <= MAX_BODY_BYTES || Buffer.byteLength(body) <= MAX_BODY_BYTES) return body;
  return JSON.stringify(notice, (_, value: unknown) => (typeof value === "string" ? cut(value, MAX_REASON_CHARS) : value));
}
