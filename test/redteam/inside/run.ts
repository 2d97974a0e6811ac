import { spawn } from "node:child_process";

/** Time for a program in the cage. Milliseconds. */
const PROGRAM_MS = 10_000;

/** How a program has ended. */
export interface End {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Runs a program and waits for its end. */
export function program(file: string, argv: readonly string[], env: Record<string, string> = {}): Promise<End> {
  const child = spawn(file, argv, { env: { ...process.env, ...env }, timeout: PROGRAM_MS, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise<End>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
}

/** The output of a program that has succeeded. Throws the last line of one that has failed. */
function outputOf({ status, signal, stdout, stderr }: End): string {
  if (status === 0) return stdout.trim();
  const words = stderr.trim() || stdout.trim() || `ended with ${signal ?? status}`;
  throw new Error(words.split("\n").at(-1));
}

/** Runs a shell command. Resolves with its output if it succeeds, and rejects with its last line if it fails. */
export async function shell(script: string, env: Record<string, string> = {}): Promise<string> {
  return outputOf(await program("/bin/sh", ["-c", script], env));
}

/** Runs a Python program, which can make any system call through `ctypes`: `call(number, …)` raises the errno's name. */
export async function python(body: string): Promise<string> {
  const prelude = `
import ctypes, errno, os, sys, platform, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"
def call(x86, arm, *args):
    ctypes.set_errno(0)
    got = libc.syscall(ctypes.c_long(x86 if X86 else arm), *[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
    if got < 0: raise OSError(ctypes.get_errno(), errno.errorcode.get(ctypes.get_errno(), "?"))
    return got
def attempt():
${body
  .trim()
  .split("\n")
  .map((line) => `    ${line}`)
  .join("\n")}
try:
    print(attempt() or "done")
except OSError as e:
    print(errno.errorcode.get(e.errno, e.errno), e.strerror, file=sys.stderr); sys.exit(1)
`;
  return outputOf(await program("python3", ["-c", prelude]));
}
