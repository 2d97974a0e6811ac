import type { Socket } from "node:net";
import { HiveError } from "../wire/error.ts";
import { MAX_LINE_BYTES } from "../wire/limits.ts";

/**
 * Cuts a byte stream into lines of UTF-8. A line is never decoded before it is whole, so a character that is split
 * over two chunks survives. Memory is bounded: a line over `maxBytes` throws `too_large` and the stream is of no use.
 */
export class LineSplitter {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #size = 0;

  constructor(maxBytes = MAX_LINE_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Calls `onLine` for every line that `chunk` completes, without its newline; empty lines are passed over. */
  push(chunk: Buffer, onLine: (line: string) => void): void {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(0x0a, start);
      const piece = chunk.subarray(start, end < 0 ? undefined : end);
      this.#size += piece.length;
      if (this.#size > this.#maxBytes) {
        throw new HiveError("too_large", `a line is at most ${this.#maxBytes} bytes`);
      }
      if (end < 0) {
        if (piece.length > 0) this.#parts.push(piece);
        return;
      }
      const line = this.#parts.length === 0 ? piece : Buffer.concat([...this.#parts, piece]);
      this.#parts = [];
      this.#size = 0;
      start = end + 1;
      const text = line.toString("utf8").trim();
      if (text !== "") onLine(text);
    }
  }
}

/** Bytes that may wait for a peer that does not read. Past that the connection is cut: memory stays bounded. */
const MAX_UNSENT_BYTES = 16 * 1024 * 1024;

/**
 * Writes JSON lines to a socket, all lines of one loop turn in one system call. A peer that does not read is cut off
 * once `MAX_UNSENT_BYTES` wait for it.
 */
export class LineWriter {
  readonly #socket: Socket;
  #corked = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** True when the line was handed over; false when the peer is gone or was cut off. */
  write(value: unknown): boolean {
    const socket = this.#socket;
    if (socket.destroyed || !socket.writable) return false;
    if (socket.writableLength > MAX_UNSENT_BYTES) {
      socket.destroy(new HiveError("unavailable", "the peer does not read its lines"));
      return false;
    }
    if (!this.#corked) {
      this.#corked = true;
      socket.cork();
      // After the promises that this turn has settled, before anything else: what they write goes out together, at once.
      process.nextTick(() => {
        this.#corked = false;
        socket.uncork();
      });
    }
    socket.write(`${JSON.stringify(value)}\n`);
    return true;
  }
}
