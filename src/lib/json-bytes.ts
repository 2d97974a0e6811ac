/** A backslash escape of one character in JSON. */
const SHORT_ESCAPES = new Set([8, 9, 10, 12, 13, 34, 92]);
/** Bytes of a code unit in JSON at most: `\\u0001`. */
const MOST_BYTES = 6;

/**
 * The beginning of a text whose JSON has at most `bytes` bytes; the text itself if it is no longer than that. Never cuts
 * a character in two.
 */
export function preview(text: string, bytes: number): string {
  if (text.length * MOST_BYTES <= bytes) return text;
  let left = bytes;
  let at = 0;
  while (at < text.length) {
    const point = text.codePointAt(at) ?? 0;
    left -= pointBytes(point);
    if (left < 0) return text.slice(0, at);
    at += point > 0xffff ? 2 : 1;
  }
  return text;
}

function pointBytes(point: number): number {
  if (point < 0x20) return SHORT_ESCAPES.has(point) ? 2 : MOST_BYTES;
  if (point < 0x80) return SHORT_ESCAPES.has(point) ? 2 : 1;
  if (point < 0x800) return 2;
  if (point >= 0xd800 && point <= 0xdfff) return MOST_BYTES;
  return point > 0xffff ? 4 : 3;
}

/** The bytes of a text in a JSON string, without the quotes. */
export function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2;
}
