import type { ChildProcess } from "node:child_process";
import { killGroup } from "../os/run-bytes.ts";
import { MAX_HEAD_BYTES, unreadable } from "./answers.ts";

/** Characters of error output that are kept. */
const MAX_STDERR_CHARS = 8 * 1024;

/** The output of a reader that was just started: a line, then bytes. It is read no faster than it is taken. */
export class Source {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #closed: Promise<number | null>;
  #stderr = "";
  #rest = Buffer.alloc(0);

  constructor(child: ChildProcess, name: string) {
    this.#child = child;
    this.#name = name;
    const { stdin, stdout, stderr } = child;
    if (!stdin || !stdout || !stderr) throw new Error("the reader has no pipes");
    stdin.on("error", () => {}); // Its exit says why it ended.
    stdin.end();
    stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-MAX_STDERR_CHARS);
    });
    this.#closed = new Promise((resolve) => {
      child.once("error", (error) => {
        this.#stderr += error.message;
        resolve(null);
      });
      child.once("close", (code) => resolve(code));
    });
    this.#chunks = (stdout as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  /** The first line. Throws `unavailable` if the reader ends before it. */
  async line(): Promise<string> {
    for (;;) {
      const at = this.#rest.indexOf(10);
      if (at >= 0) {
        const line = this.#rest.toString("utf8", 0, at);
        this.#rest = this.#rest.subarray(at + 1);
        return line;
      }
      const { value, done } = (await this.#chunks.next()) as IteratorResult<Buffer, undefined>;
      if (done === true) throw await this.#failure();
      if (this.#rest.length > MAX_HEAD_BYTES) {
        this.end();
        throw unreadable(this.#name, "its answer is too long");
      }
      this.#rest = Buffer.concat([this.#rest, value]);
    }
  }

  /** Ends the reader. Output that is not read would keep its pipe open for ever. */
  end(): void {
    killGroup(this.#child);
    this.#child.stdout?.destroy();
  }

  /** The bytes after the line. Throws `unavailable` at their end if the reader has not sent all of them. */
  async *pieces(): AsyncGenerator<Buffer, void> {
    if (this.#rest.length > 0) yield this.#rest;
    for (;;) {
      const { value, done } = (await this.#chunks.next().catch(() => {
        throw unreadable(this.#name, "it was ended");
      })) as IteratorResult<Buffer, undefined>;
      if (done === true) break;
      yield value;
    }
    if ((await this.#closed) !== 0) throw await this.#failure();
  }

  async #failure(): Promise<Error> {
    await this.#closed;
    return unreadable(this.#name, this.#stderr.trim().split("\n").at(-1) ?? "");
  }
}
