import { chownSync, closeSync, constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { run } from "./run.ts";

/** A named pipe that a program of another user writes, and that this process reads. */
export interface Fifo {
  readonly output: Socket;
  /** Resolves when everything is read. Every writer must have ended. */
  finish(): Promise<void>;
}

/**
 * Creates a named pipe that only its owner can write. It works on a read-only mount too. Until `finish` it never ends,
 * however often it is opened and closed.
 */
export async function makeFifo(path: string, owner: { uid: number; gid: number }): Promise<Fifo> {
  const made = await run("mkfifo", ["-m", "600", "--", path]);
  if (made.code !== 0) throw new Error(`cannot make a named pipe: ${made.stderr}`);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  // As long as this one is open, the reader gets no end.
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  if (process.getuid?.() === 0) chownSync(path, owner.uid, owner.gid);
  const output = new Socket({ fd: reader, readable: true, writable: false });
  const closed = new Promise<void>((resolve) => output.once("close", () => resolve()));
  // An error closes it, and `closed` says so.
  output.on("error", () => {});
  return {
    output,
    finish() {
      closeSync(writer);
      // What is not read yet still comes before the end.
      output.resume();
      return closed;
    },
  };
}
