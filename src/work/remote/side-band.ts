import { HiveError } from "../../wire/error.ts";
import { oneLine } from "../transport/push-report.ts";

/** Bytes of a line's length. */
const HEAD = 4;
/** Characters of a server's own words that are kept. */
const MAX_SAID_CHARS = 1_000;

/** A part of an answer: a whole line, the flush, or bytes of the side-band. */
interface Line {
  /** Undefined for a flush. */
  content: Buffer | undefined;
}

/** The lines of an answer as they arrive. Throws a HiveError if it is not in git's protocol, or ends within a line. */
export async function* linesOf(address: string, answer: AsyncIterable<Buffer>): AsyncGenerator<Line, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of answer) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length >= at + HEAD) {
      const head = rest.toString("latin1", at, at + HEAD);
      const length = /^[0-9a-f]{4}$/i.test(head) ? Number.parseInt(head, 16) : -1;
      if (length !== 0 && length < HEAD)
        throw new HiveError("bad_request", `${address} does not answer in git's protocol: check the address`);
      if (rest.length < at + Math.max(length, HEAD)) break;
      yield { content: length === 0 ? undefined : rest.subarray(at + HEAD, at + length) };
      at += Math.max(length, HEAD);
    }
    rest = rest.subarray(at);
  }
  if (rest.length > 0) throw new HiveError("unavailable", `the answer of ${address} ended too early: try again`);
}

/** What a server says besides its data. */
export class Said {
  #text = "";

  add(bytes: Buffer): void {
    if (this.#text.length < MAX_SAID_CHARS) this.#text += bytes.toString("utf8");
  }

  /** Its words as one short line. */
  get words(): string {
    return oneLine(this.#text.slice(0, MAX_SAID_CHARS));
  }
}

/** The data of a line of the side-band. Keeps progress and notes in `said`; throws the server's error. */
export function dataOf(address: string, content: Buffer, said: Said): Buffer | undefined {
  const bytes = content.subarray(1);
  switch (content[0]) {
    case 1:
      return bytes;
    case 2:
      said.add(bytes);
      return undefined;
    case 3:
      throw new HiveError("unavailable", `${address} gave up: ${oneLine(bytes.toString("utf8"))}`);
    default:
      throw new HiveError("bad_request", `${address} does not answer in git's protocol: check the address`);
  }
}
