/** The framing of git's protocol: lines with their length in four hex digits. */

/** The end of a list of lines. */
export const FLUSH = Buffer.from("0000");
/** The most bytes of one line, without its length (gitprotocol-common). */
const MAX_LINE_BYTES = 65_516;
/** Bytes of a line's length. */
const HEAD = 4;

/** One line in its frame. */
export function pkt(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  if (bytes.length > MAX_LINE_BYTES) throw new Error(`a pkt-line of ${bytes.length} bytes is too long`);
  return Buffer.concat([Buffer.from((bytes.length + HEAD).toString(16).padStart(HEAD, "0")), bytes]);
}

/** A stream that is not git's protocol. */
export class BadPkt extends Error {}

/** The lines up to the first flush, and where what follows them begins. Undefined if the bytes end before the flush. */
export function linesToFlush(bytes: Buffer): { lines: Buffer[]; end: number } | undefined {
  const lines: Buffer[] = [];
  for (let at = 0; ;) {
    if (bytes.length < at + HEAD) return undefined;
    const head = bytes.toString("latin1", at, at + HEAD);
    if (!/^[0-9a-f]{4}$/i.test(head)) throw new BadPkt("the request is not in git's protocol");
    const length = Number.parseInt(head, 16);
    if (length === 0) return { lines, end: at + HEAD };
    if (length < HEAD) throw new BadPkt("the request is not in git's protocol");
    if (bytes.length < at + length) return undefined;
    lines.push(bytes.subarray(at + HEAD, at + length));
    at += length;
  }
}

/** Puts bytes into a band of a side-band stream (1 data, 2 progress, 3 error), in as many lines as they need. */
export function band(number: 1 | 2 | 3, content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  const lines: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += MAX_LINE_BYTES - 1)
    lines.push(pkt(Buffer.concat([Buffer.of(number), bytes.subarray(at, at + MAX_LINE_BYTES - 1)])));
  return Buffer.concat(lines);
}
