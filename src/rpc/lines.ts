import type { Socket } from "node:net";
import { HiveError } from "../wire/error.ts";
import { MAX_LINE_BYTES } from "../wire/limits.ts";

const NEWLINE = 0x0a;

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

  /**
   * Calls `onLine` for every line that the first `count` bytes of `chunk` complete, without its newline; empty lines are
   * passed over.
   */
  push(chunk: Buffer, onLine: (line: string) => void, count = chunk.length): void {
    if (this.#size === 0 && count <= this.#maxBytes && chunk[count - 1] === NEWLINE) {
      // Nearly always what comes is whole lines, and one: they are decoded at once.
      const text = chunk.toString("utf8", 0, count - 1);
      if (!text.includes("\n")) take(text, onLine);
      else for (const line of text.split("\n")) take(line, onLine);
      return;
    }
    const bytes = chunk.subarray(0, count);
    let start = 0;
    for (;;) {
      const newline = bytes.indexOf(NEWLINE, start);
      const end = newline < 0 ? count : newline;
      this.#size += end - start;
      if (this.#size > this.#maxBytes) {
        throw new HiveError("too_large", `a line is at most ${this.#maxBytes} bytes`);
      }
      if (newline < 0) {
        // A copy: the chunk may be a buffer that the next read overwrites.
        if (end > start) this.#parts.push(Buffer.from(chunk.subarray(start, end)));
        return;
      }
      const text = this.#parts.length === 0 ? chunk.toString("utf8", start, end) : this.#join(chunk.subarray(start, end));
      this.#size = 0;
      start = newline + 1;
      take(text, onLine);
    }
  }

  #join(last: Buffer): string {
    const line = Buffer.concat([...this.#parts, last]);
    this.#parts = [];
    return line.toString("utf8");
  }
}

/** Hands a line over unless it is empty. */
function take(text: string, onLine: (line: string) => void): void {
  const line = text.trim();
  if (line !== "") onLine(line);
}

/** Bytes that may wait for a peer that does not read. Past that the connection is cut: memory stays bounded. */
const MAX_UNSENT_BYTES = 16 * 1024 * 1024;

/** Writers that have written in this turn of the loop: when its promises have settled they hand over what came after. */
let begun: LineWriter[] = [];

/**
 * Writes JSON lines to a socket. The first of a turn of the loop goes out at once, because somebody waits for it and most
 * turns have one; all that follow in that turn go out together, in one system call. A peer that does not read is cut off
 * once `MAX_UNSENT_BYTES` wait for it.
 */
export class LineWriter {
  readonly #socket: Socket;
  /** Lines that follow the first one of this turn. */
  #text = "";
  #hasBegun = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** True when the line was taken; false when the peer is gone or was cut off. */
  write(value: object): boolean {
    return this.writeLine(JSON.stringify(value));
  }

  /** The same for a line that is JSON already. */
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
    // One turn for all sockets, not one each: with many senders that was a twentieth of the cost of a send.
    if (begun.length === 0) process.nextTick(handOver);
    begun.push(this);
    socket.write(`${line}\n`);
    return true;
  }

  /** Hands over what is left, and the end after it. */
  end(): void {
    this.flush();
    this.#socket.end();
  }

  /** Hands over what is left. */
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
