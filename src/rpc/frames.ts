/** Frames of one direction of a connection: what a program prints, and what is said about it. A type, a length, bytes. */

export const FRAME = { started: 1, stdout: 2, stderr: 3, ended: 4 } as const;
export type FrameType = (typeof FRAME)[keyof typeof FRAME];

const HEADER_BYTES = 5;
/** Bytes of one frame. Longer ones are sent in parts, and refused by the reader. */
export const MAX_FRAME_BYTES = 256 * 1024;

/** Frames of some bytes. */
export function frames(type: FrameType, bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  let rest = bytes;
  do {
    const part = rest.subarray(0, MAX_FRAME_BYTES);
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt8(type, 0);
    header.writeUInt32BE(part.length, 1);
    parts.push(header, part);
    rest = rest.subarray(MAX_FRAME_BYTES);
  } while (rest.length > 0);
  return Buffer.concat(parts);
}

/** Reads frames from chunks of any size. Throws for a frame that no writer sends. */
export class FrameReader {
  #held: Buffer = Buffer.alloc(0);

  read(chunk: Buffer): { type: FrameType; bytes: Buffer }[] {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const found: { type: FrameType; bytes: Buffer }[] = [];
    while (this.#held.length >= HEADER_BYTES) {
      const type = Object.values(FRAME).find((one) => one === this.#held.readUInt8(0));
      const length = this.#held.readUInt32BE(1);
      if (type === undefined || length > MAX_FRAME_BYTES) throw new Error("a frame that is none");
      if (this.#held.length < HEADER_BYTES + length) break;
      found.push({ type, bytes: this.#held.subarray(HEADER_BYTES, HEADER_BYTES + length) });
      this.#held = this.#held.subarray(HEADER_BYTES + length);
    }
    return found;
  }
}
