import { Transform, type TransformCallback } from "node:stream";

/**
 * Replaces every occurrence of some texts in a stream of bytes, also one that is spread over pieces. Bytes that could be
 * the beginning of one wait for the next piece, and no others do.
 */
export class EchoFilter extends Transform {
  readonly #hidden: readonly Buffer[];
  readonly #place: Buffer;
  #kept: Buffer = Buffer.alloc(0);

  /** `hidden` has no empty text. */
  constructor(hidden: readonly string[], place: string) {
    super();
    this.#hidden = longestFirst(hidden);
    this.#place = Buffer.from(place);
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const rest = replace(
      this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]),
      this.#hidden,
      this.#place,
      (bytes) => this.push(bytes),
    );
    const from = this.#beginning(rest);
    this.push(rest.subarray(0, from));
    this.#kept = rest.subarray(from);
    done();
  }

  override _flush(done: TransformCallback): void {
    this.push(this.#kept);
    done();
  }

  /** Where the end of the bytes could be the beginning of an occurrence. */
  #beginning(bytes: Buffer): number {
    let least = bytes.length;
    for (const text of this.#hidden) {
      const [first = 0] = text;
      for (
        let at = bytes.indexOf(first, Math.max(0, bytes.length - text.length + 1));
        at >= 0 && at < least;
        at = bytes.indexOf(first, at + 1)
      )
        if (text.subarray(0, bytes.length - at).equals(bytes.subarray(at))) least = at;
    }
    return least;
  }
}

/** Bytes that are complete, with every occurrence of some texts replaced, as the filter does. `hidden` has no empty text. */
export function withoutEchoes(bytes: Buffer, hidden: readonly string[], place: string): Buffer {
  const pieces: Buffer[] = [];
  const rest = replace(bytes, longestFirst(hidden), Buffer.from(place), (piece) => pieces.push(piece));
  return pieces.length === 0 ? rest : Buffer.concat([...pieces, rest]);
}

/** Of two that begin at the same place, the longer one counts. */
const longestFirst = (hidden: readonly string[]): Buffer[] =>
  hidden.map((text) => Buffer.from(text)).sort((a, b) => b.length - a.length);

/** Pushes everything up to the end of the last occurrence. Returns the rest. */
function replace(bytes: Buffer, hidden: readonly Buffer[], place: Buffer, push: (bytes: Buffer) => void): Buffer {
  // Where each comes next. Searched again only past that, so the bytes are read once for each text.
  const next = hidden.map((text) => ({ text, at: bytes.indexOf(text) }));
  let done = 0;
  for (;;) {
    let first: { text: Buffer; at: number } | undefined;
    for (const one of next) {
      if (one.at >= 0 && one.at < done) one.at = bytes.indexOf(one.text, done);
      if (one.at >= 0 && (!first || one.at < first.at)) first = one;
    }
    if (!first) return bytes.subarray(done);
    push(bytes.subarray(done, first.at));
    push(place);
    done = first.at + first.text.length;
  }
}
