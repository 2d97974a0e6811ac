import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import type { Writable } from "node:stream";
import { execa } from "execa";

/** The result of a finished program. */
export interface Finished {
  /** Undefined if it could not be started or was ended by a signal. */
  code: number | undefined;
  stdout: string;
  stderr: string;
  /** True if it could not be started: not installed, or not permitted. */
  missing: boolean;
}

/** Bytes of output that are kept. */
const MAX_OUTPUT_BYTES = 8 * 1024 * 1024;

/**
 * Runs a program to its end with exactly these arguments and environment. Never throws for a failure of the program.
 */
export async function run(
  program: string,
  argv: readonly string[],
  options: { env?: Record<string, string>; cwd?: string; timeoutMs?: number; input?: string } = {},
): Promise<Finished> {
  const result = await execa(program, argv, {
    reject: false,
    extendEnv: options.env === undefined,
    maxBuffer: MAX_OUTPUT_BYTES,
    ...(options.env ? { env: options.env } : {}),
    ...(options.cwd ? { cwd: options.cwd } : {}),
    ...(options.timeoutMs ? { timeout: options.timeoutMs } : {}),
    ...(options.input === undefined ? { stdin: "ignore" as const } : { input: options.input }),
  });
  return {
    code: result.exitCode,
    stdout: result.stdout,
    stderr: result.stderr,
    missing: result.exitCode === undefined && result.signal === undefined,
  };
}

/**
 * Starts a program in its own session, which outlives this process. Its descriptors are exactly `stdio`; its
 * environment is exactly `env`.
 */
export function startDetached(
  program: string,
  argv: readonly string[],
  options: { env: Record<string, string>; stdio: StdioOptions; cwd: string },
): ChildProcess {
  const child = spawn(program, argv, { ...options, detached: true });
  child.unref();
  return child;
}

/**
 * Starts a program in its own process group with our pipes as stdio. Its environment is exactly `env`. It can read each
 * of `extra`, at most a pipe's 64 KiB, from descriptor 3 on.
 */
export function startChild(
  program: string,
  argv: readonly string[],
  options: { env: Record<string, string>; cwd: string; extra?: readonly Buffer[] },
): ChildProcess {
  const { env, cwd, extra = [] } = options;
  const stdio = ["pipe", "pipe", "pipe", ...extra.map(() => "pipe" as const)] as StdioOptions;
  const child = spawn(program, argv, { env, cwd, detached: true, stdio });
  extra.forEach((content, index) => {
    const pipe = child.stdio[3 + index] as Writable | undefined;
    // If the program ends before it has read this, or cannot be started, its exit reports that.
    pipe?.on("error", () => {});
    pipe?.end(content);
  });
  return child;
}
