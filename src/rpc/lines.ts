import { isUtf8 } from "node:buffer";
import type { Socket } from "node:net";
import { HiveError } from "../wire/error.ts";
import { MAX_LINE_BYTES } from "../wire/limits.ts";

const NEWLINE = 0x0a;
/** Bytes that are reserved for a line that a chunk does not complete. Doubled as it grows. */
const FIRST_HELD_BYTES = 4 * 1024;

/**
 * Splits a byte stream into lines of UTF-8. A line is decoded only when it is complete, so a character that is split
 * over two chunks survives. Memory is bounded by twice the bytes of the line, however small its chunks are: a line over
 * `maxBytes` throws `too_large`, one that is not UTF-8 `bad_request`, and the stream is unusable afterwards.
 */
export class LineSplitter {
  readonly #maxBytes: number;
  /** The beginning of a line: the first `#size` bytes. Undefined if no line has begun. */
  #held: Buffer | undefined;
  #size = 0;

  constructor(maxBytes = MAX_LINE_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Calls `onLine` for every line that the chunk completes, without its newline. Skips empty lines. */
  push(chunk: Buffer, onLine: (line: string) => void): void {
    if (this.#size === 0 && chunk.length <= this.#maxBytes && chunk.at(-1) === NEWLINE) {
      // The common case: the chunk is whole lines, usually one. They are decoded at once.
      const text = decoded(chunk, 0, chunk.length - 1);
      if (!text.includes("\n")) take(text, onLine);
      else for (const line of text.split("\n")) take(line, onLine);
      return;
    }
    let start = 0;
    while (start < chunk.length) {
      const found = chunk.indexOf(NEWLINE, start);
      const end = found < 0 ? chunk.length : found;
      if (this.#size + end - start > this.#maxBytes) {
        throw new HiveError("too_large", `a line is at most ${this.#maxBytes} bytes`);
      }
      // A copy: a held part of a chunk would keep all of it in memory.
      if (end === chunk.length) return this.#hold(chunk, start, end);
      const text = this.#size === 0 ? decoded(chunk, start, end) : this.#whole(chunk, start, end);
      start = end + 1;
      take(text, onLine);
    }
  }

  #hold(chunk: Buffer, start: number, end: number): void {
    const size = this.#size + end - start;
    if (!this.#held || this.#held.length < size) {
      const grown = Buffer.allocUnsafeSlow(Math.min(this.#maxBytes, Math.max(FIRST_HELD_BYTES, 2 * size)));
      this.#held?.copy(grown, 0, 0, this.#size);
      this.#held = grown;
    }
    chunk.copy(this.#held, this.#size, start, end);
    this.#size = size;
  }

  #whole(chunk: Buffer, start: number, end: number): string {
    this.#hold(chunk, start, end);
    const text = this.#held ? decoded(this.#held, 0, this.#size) : "";
    this.#held = undefined;
    this.#size = 0;
    return text;
  }
}

/** The text of bytes. Throws `bad_request` for other bytes than UTF-8, which would silently become a different text. */
function decoded(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString("utf8", start, end);
  // Only a text with a replacement character can differ from its bytes, so that a usual line costs one search.
  if (text.includes("\uFFFD") && !isUtf8(bytes.subarray(start, end))) throw new HiveError("bad_request", "a line is UTF-8");
  return text;
}

/** Passes a line on unless it is empty. */
function take(text: string, onLine: (line: string) => void): void {
  const line = text.trim();
  if (line !== "") onLine(line);
}

/**
 * Bytes that may queue for a peer that does not read. Beyond that the connection is closed, so memory stays bounded.
 */
const MAX_UNSENT_BYTES = 16 * 1024 * 1024;

/** Bytes of a stream that are queued for a peer before its next line is asked for. */
const MAX_AHEAD_BYTES = 256 * 1024;

/** Writers that have written in this turn of the event loop. After its promises have settled, they flush the rest. */
let begun: LineWriter[] = [];

/**
 * Writes JSON lines to a socket. The first line of an event loop turn is written at once: a peer waits for it, and most
 * turns have only one. Further lines of the turn are written together in one system call. A peer that does not read is
 * disconnected when `MAX_UNSENT_BYTES` are queued for it.
 */
export class LineWriter {
  readonly #socket: Socket;
  /** Lines after the first of this turn. */
  #text = "";
  #hasBegun = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** True if the line was accepted; false if the peer has gone or was disconnected. */
  write(value: object): boolean {
    return this.writeLine(JSON.stringify(value));
  }

  /** Writes a line that is JSON already. */
  writeLine(line: string): boolean {
    const socket = this.#socket;
    if (socket.destroyed || !socket.writable) return false;
    if (socket.writableLength + this.#text.length > MAX_UNSENT_BYTES) {
      socket.destroy(new HiveError("unavailable", "the peer does not read its lines"));
      return false;
    }
    if (this.#hasBegun) {
      this.#text += `${line}\n`;
      return true;
    }
    this.#hasBegun = true;
    // One tick for all sockets. One per socket cost a twentieth of a send with many senders.
    if (begun.length === 0) process.nextTick(handOver);
    begun.push(this);
    socket.write(`${line}\n`);
    return true;
  }

  /** Resolves once the peer has read enough for more lines to be queued, or has gone. */
  async drained(): Promise<void> {
    const socket = this.#socket;
    if (socket.writableLength + this.#text.length < MAX_AHEAD_BYTES) return;
    this.flush();
    if (!socket.writableNeedDrain || socket.destroyed) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        socket.off("drain", done);
        socket.off("close", done);
        resolve();
      };
      socket.on("drain", done);
      socket.on("close", done);
    });
  }

  /** Flushes the rest and ends the connection. */
  end(): void {
    this.flush();
    this.#socket.end();
  }

  /** Writes the lines that are still queued. */
  flush(): void {
    const text = this.#text;
    this.#text = "";
    this.#hasBegun = false;
    if (text !== "" && !this.#socket.destroyed) this.#socket.write(text);
  }
}

function handOver(): void {
  const writers = begun;
  begun = [];
  for (const writer of writers) writer.flush();
}
