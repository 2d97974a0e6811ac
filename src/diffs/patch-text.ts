import { jsonBytes } from "../lib/json-bytes.ts";
import { isUtf8 } from "node:buffer";

const NEWLINE = 10;
const PLUS = 43;

/**
 * True if a patch adds only text: UTF-8 without a NUL. The removed bytes ran before and may be anything. A patch that
 * adds nothing is judged by what it removes.
 */
export function addsText(hunks: Buffer): boolean {
  let hasAdded = false;
  for (let at = 0; at < hunks.length;) {
    const eol = hunks.indexOf(NEWLINE, at);
    const end = eol < 0 ? hunks.length : eol;
    if (hunks[at] === PLUS) {
      hasAdded = true;
      if (!isText(hunks.subarray(at, end))) return false;
    }
    at = end + 1;
  }
  return hasAdded || isText(hunks);
}

const isText = (bytes: Buffer): boolean => isUtf8(bytes) && !bytes.includes(0);

/** A patch as text. Each byte that is not UTF-8 is written as `⟨FF⟩`, so nothing is left out or guessed. */
export function patchText(hunks: Buffer): string {
  if (isUtf8(hunks)) return hunks.toString("utf8");
  let text = "";
  let from = 0;
  for (let at = 0; at < hunks.length;) {
    const length = sequenceLength(hunks, at);
    if (length === 0) {
      text += `${hunks.toString("utf8", from, at)}⟨${(hunks[at] ?? 0).toString(16).toUpperCase().padStart(2, "0")}⟩`;
      from = at + 1;
    }
    at += Math.max(1, length);
  }
  return text + hunks.toString("utf8", from);
}

/** The length of the UTF-8 character that begins here. 0 if none begins here. */
function sequenceLength(bytes: Buffer, at: number): number {
  const lead = bytes[at] ?? 0;
  const length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  return length > 0 && isUtf8(bytes.subarray(at, at + length)) && at + length <= bytes.length ? length : 0;
}

/**
 * As many whole lines of a patch as fit into this many bytes of a JSON string. A line is never cut, because half a line
 * would look like another one.
 */
export function wholeLines(text: string, limit: number): string {
  let left = limit;
  let end = 0;
  while (end < text.length) {
    const eol = text.indexOf("\n", end);
    const next = eol < 0 ? text.length : eol + 1;
    left -= jsonBytes(text.slice(end, next));
    if (left < 0) break;
    end = next;
  }
  return text.slice(0, end);
}

/** The characters of a patch in one part. Even if each is escaped, it fits into one line of a socket. */
const PART_CHARS = 256 * 1024;

/** A part of a patch from a character on, with the position of the next part. It ends with a line if possible. */
export function patchPart(hunks: Buffer, after: number): { text: string; next?: number } {
  const patch = patchText(hunks);
  let end = after + PART_CHARS;
  if (end >= patch.length) return { text: patch.slice(after) };
  const eol = patch.lastIndexOf("\n", end - 1);
  if (eol > after) end = eol + 1;
  // Do not split a surrogate pair.
  else if ((patch.codePointAt(end - 1) ?? 0) > 0xffff) end -= 1;
  return { text: patch.slice(after, end), next: end };
}
