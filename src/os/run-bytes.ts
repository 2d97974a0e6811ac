import { spawn } from "node:child_process";

/** What a program left that speaks in bytes. */
export interface Ended {
  /** undefined when a signal ended it, or when it could not be started. */
  code: number | undefined;
  signal: NodeJS.Signals | undefined;
  stdout: Buffer;
  stderr: string;
  /** It said more than `maxBytes` and was ended for it. */
  tooMuch: boolean;
  /** It ran longer than `timeoutMs` and was ended for it. */
  tooLong: boolean;
  /** It could not be started at all. */
  missing: boolean;
}

interface Bounds {
  /** The complete environment. */
  env: Record<string, string>;
  input?: Buffer | string;
  /** Bytes of output after which the program is ended. */
  maxBytes: number;
  /** Milliseconds. */
  timeoutMs: number;
}

/** Characters of a program's complaints that are kept. */
const MAX_STDERR_CHARS = 8 * 1024;

/**
 * Runs a program to its end, bytes in and bytes out, in a process group of its own that is ended as a whole when it
 * says or takes too much. Never throws for a failure of the program.
 */
export async function runBytes(program: string, argv: readonly string[], bounds: Bounds): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(program, argv, { env: bounds.env, cwd: "/", detached: true, stdio: ["pipe", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    let size = 0;
    let stderr = "";
    let [tooMuch, tooLong, missing] = [false, false, false];
    const end = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    };
    const timer = setTimeout(() => {
      tooLong = true;
      end();
    }, bounds.timeoutMs);
    child.stdout.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= bounds.maxBytes) chunks.push(chunk);
      else if (!tooMuch) {
        tooMuch = true;
        end();
      }
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (stderr.length < MAX_STDERR_CHARS) stderr = (stderr + text).slice(0, MAX_STDERR_CHARS);
    });
    // A program that ends before it has read everything is judged by its exit, not by the broken pipe.
    child.stdin.on("error", () => {});
    child.on("error", (error) => {
      missing = true;
      stderr += error.message;
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
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
    child.stdin.end(bounds.input ?? "");
  });
}
