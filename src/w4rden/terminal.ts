import type { ChildProcess, StdioOptions } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { isatty } from "node:tty";
import { readable } from "../wire/unseen.ts";

/** Time for the last output of a daemon that has ended. A process that it left behind may hold its pipes open. Milliseconds. */
const LAST_OUTPUT_MS = 1_000;

/**
 * Standard input, output and error of the daemon. It never gets a terminal of root's: through any descriptor of one it
 * could read what root types there, also after its own end, and on some kernels write commands for root's shell. Then
 * it gets pipes, which `showOutput` copies. What is no terminal, such as a service manager's log, it writes itself.
 */
export function daemonStdio(isTerminal: (fd: number) => boolean = isatty): StdioOptions {
  return ["ignore", isTerminal(1) ? "pipe" : "inherit", isTerminal(2) ? "pipe" : "inherit"];
}

/** Copies what the daemon prints to our terminal, without the characters that steer one. */
export function showOutput({ stdout, stderr }: ChildProcess): void {
  copy(stdout, process.stdout);
  copy(stderr, process.stderr);
}

export function copy(from: Readable | null, to: Writable): void {
  from?.setEncoding("utf8").on("data", (text: string) => {
    if (to.write(readable(text))) return;
    from.pause();
    to.once("drain", () => from.resume());
  });
}

/** Waits for the rest of what a daemon that has ended printed. */
export async function lastOutput({ stdout, stderr }: ChildProcess): Promise<void> {
  const pipes = [stdout, stderr].filter((pipe) => pipe !== null && !pipe.closed) as Readable[];
  const timer = setTimeout(() => pipes.forEach((pipe) => pipe.destroy()), LAST_OUTPUT_MS);
  await Promise.all(pipes.map((pipe) => once(pipe, "close")));
  clearTimeout(timer);
}
