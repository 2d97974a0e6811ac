import { EventEmitter } from "node:events";
import { connect, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { HiveError } from "../wire/error.ts";
import { W4RDEN_SOCKET, W4rdenEnded, W4rdenStarted, type W4rdenRequest } from "../wire/w4rden.ts";
import { FRAME, FrameReader } from "./frames.ts";

/**
 * A request to `hive-w4rden`, in the form of a child process: the helper's program reads `stdin`, and what it prints
 * arrives at `stdout` and `stderr`. `kill` ends it. A refusal is an `error`, followed by `close`.
 */
export class W4rdenProgram extends EventEmitter {
  readonly stdin = new PassThrough();
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly pid = undefined;
  exitCode: number | null = null;
  readonly signalCode = null;
  readonly #socket: Socket;
  readonly #reader = new FrameReader();

  constructor(request: W4rdenRequest, path = W4RDEN_SOCKET) {
    super();
    this.#socket = connect({ path, allowHalfOpen: true });
    this.#socket.write(`${JSON.stringify(request)}\n`);
    this.stdin.pipe(this.#socket);
    this.#socket.on("data", (chunk: Buffer) => this.#take(chunk));
    this.#socket.on("error", (error) =>
      this.#end({ error: `hive-w4rden does not answer (${error.message}): start the hive again` }),
    );
    for (const event of ["end", "close"] as const)
      this.#socket.on(event, () => this.#end({ error: "hive-w4rden has ended the connection" }));
  }

  kill(): boolean {
    if (this.exitCode !== null) return false;
    this.#socket.destroy();
    return true;
  }

  #take(chunk: Buffer): void {
    try {
      for (const { type, bytes } of this.#reader.read(chunk)) {
        if (type === FRAME.stdout) this.#print(this.stdout, bytes);
        else if (type === FRAME.stderr) this.#print(this.stderr, bytes);
        else if (type === FRAME.started) this.emit("started", W4rdenStarted.parse(JSON.parse(bytes.toString())));
        else this.#end(W4rdenEnded.parse(JSON.parse(bytes.toString())));
      }
    } catch (error) {
      this.#end({ error: `hive-w4rden sent what it never sends: ${String(error)}` });
    }
  }

  /** Pauses the socket until the reader has taken these bytes. */
  #print(to: PassThrough, bytes: Buffer): void {
    if (to.write(bytes)) return;
    this.#socket.pause();
    to.once("drain", () => this.#socket.resume());
  }

  #end({ code, error }: W4rdenEnded): void {
    if (this.exitCode !== null) return;
    this.exitCode = code ?? -1;
    this.#socket.destroy();
    this.stdin.destroy();
    // As a child process, it closes when its output has been read.
    let open = 2;
    for (const stream of [this.stdout, this.stderr]) {
      stream.once("close", () => {
        open -= 1;
        if (open === 0) this.emit("close", code ?? null, null);
      });
      stream.end();
      // A reader that has gone left it paused.
      stream.resume();
    }
    if (error !== undefined) this.emit("error", new HiveError("forbidden", error));
  }
}
