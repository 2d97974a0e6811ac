import type { ChildProcess } from "node:child_process";
import { pipeline } from "node:stream/promises";
import type { Readable, Writable } from "node:stream";

/** How a program with streams ended. */
export interface Streamed {
  /** Undefined if a signal ended it. */
  code: number | undefined;
  /** The end of its error output. */
  stderr: string;
  /** It ran longer than `timeoutMs` and was killed. */
  tooLong: boolean;
}

interface Streams {
  /** Its standard input. Undefined: none. */
  input?: Readable | undefined;
  /** Receives its standard output and is ended with it. */
  output: Writable;
  /** Milliseconds. */
  timeoutMs: number;
  /** Kills it. */
  ended: AbortSignal;
}

/** Characters of error output that are kept. */
const MAX_STDERR_CHARS = 8 * 1024;

/**
 * Connects a program that was just started with pipes, in its own process group, to streams, with back-pressure. The
 * group is killed if it takes too long, if `ended` aborts, or if a stream fails. Resolves when the program has ended;
 * rejects with the error of a stream that failed.
 */
export async function runStreams(child: ChildProcess, { input, output, timeoutMs, ended }: Streams): Promise<Streamed> {
  const { stdin, stdout, stderr } = child;
  if (!stdin || !stdout || !stderr) throw new Error("the program has no pipes");
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended already.
    }
  };
  const result: Streamed = { code: undefined, stderr: "", tooLong: false };
  const timer = setTimeout(() => {
    result.tooLong = true;
    kill();
  }, timeoutMs);
  ended.addEventListener("abort", kill, { once: true });
  if (ended.aborted) kill();
  stderr.setEncoding("utf8").on("data", (text: string) => {
    result.stderr = (result.stderr + text).slice(-MAX_STDERR_CHARS);
  });
  const closed = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      result.code = code ?? undefined;
      resolve();
    });
  });
  const fed = input === undefined ? Promise.resolve(void stdin.end()) : pipeline(input, stdin);
  // A program that ends before it has read everything is judged by its exit, not by the broken pipe.
  const fedOrIgnored = fed.catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || error.code === "ERR_STREAM_PREMATURE_CLOSE" || error.code === "ERR_STREAM_DESTROYED") return;
    kill();
    throw error;
  });
  stdin.on("error", () => {}); // The pipeline reports it.
  const drained = pipeline(stdout, output).catch((error: unknown) => {
    kill();
    throw error;
  });
  try {
    await Promise.all([closed, fedOrIgnored, drained]);
  } finally {
    clearTimeout(timer);
    ended.removeEventListener("abort", kill);
    kill();
  }
  return result;
}
