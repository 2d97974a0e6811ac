import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";

/** The result of a program with binary output. */
export interface Ended {
  /** Undefined if a signal ended it or it could not be started. */
  code: number | undefined;
  signal: NodeJS.Signals | undefined;
  stdout: Buffer;
  stderr: string;
  /** It printed more than `maxBytes` and was killed. */
  tooMuch: boolean;
  /** It ran longer than `timeoutMs` and was killed. */
  tooLong: boolean;
  /** It could not be started. */
  missing: boolean;
}

interface Bounds {
  input?: Buffer | string;
  /** Bytes of output after which the program is killed. */
  maxBytes: number;
  /** Milliseconds. */
  timeoutMs: number;
  /** Kills the program when it aborts. */
  signal?: AbortSignal;
}

/** Characters of error output that are kept. */
const MAX_STDERR_CHARS = 8 * 1024;

/**
 * Runs a program to its end, with bytes as input and output. It has its own process group, which is killed as a whole
 * if it prints too much or takes too long. Never throws for a failure of the program. `isQuiet` gives it no error
 * output, so that a program that it leaves behind keeps no pipe of ours open.
 */
export async function runBytes(
  program: string,
  argv: readonly string[],
  { env, cwd = "/", isQuiet = false, ...bounds }: Bounds & { env: Record<string, string>; cwd?: string; isQuiet?: boolean },
): Promise<Ended> {
  const stdio = ["pipe", "pipe", isQuiet ? "ignore" : "pipe"] as StdioOptions;
  return collect(spawn(program, argv, { env, cwd, detached: true, stdio }), bounds);
}

/** A program that runs for us: a child process, or one that another program runs on our behalf, which has no pid here. */
export interface Program extends Pick<ChildProcess, "stdin" | "stdout" | "stderr" | "pid" | "exitCode" | "signalCode"> {
  kill(signal: NodeJS.Signals): boolean;
  on: Listen;
  once: Listen;
}
interface Listen {
  (event: "error", listener: (error: Error) => void): unknown;
  (event: "close", listener: (code: number | null, signal: NodeJS.Signals | null) => void): unknown;
}

/** Ends a program that was started in its own process group, with its whole group. */
export function killGroup(child: Program): void {
  try {
    if (child.pid === undefined) child.kill("SIGKILL");
    else if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}

/** Waits for the end of a program that was just started with pipes, in its own process group, as `runBytes` does. */
export async function collect(child: Program, bounds: Bounds): Promise<Ended> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let stderr = "";
    let [tooMuch, tooLong, missing] = [false, false, false];
    const end = (): void => killGroup(child);
    const timer = setTimeout(() => {
      tooLong = true;
      end();
    }, bounds.timeoutMs);
    if (bounds.signal?.aborted === true) end();
    bounds.signal?.addEventListener("abort", end, { once: true });
    child.stdout?.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= bounds.maxBytes) chunks.push(chunk);
      else if (!tooMuch) {
        tooMuch = true;
        end();
      }
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      if (stderr.length < MAX_STDERR_CHARS) stderr = (stderr + text).slice(0, MAX_STDERR_CHARS);
    });
    // A program that ends before it has read everything is judged by its exit, not by the broken pipe.
    child.stdin?.on("error", () => {});
    child.on("error", (error) => {
      missing = true;
      stderr += error.message;
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      bounds.signal?.removeEventListener("abort", end);
      const stdout = Buffer.concat(chunks);
      resolve({
        code: missing ? undefined : (code ?? undefined),
        signal: signal ?? undefined,
        stdout,
        stderr,
        tooMuch,
        tooLong,
        missing,
      });
    });
    child.stdin?.end(bounds.input ?? "");
  });
}
