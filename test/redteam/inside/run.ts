import { spawnSync } from "node:child_process";

/** Time for a program in the cage. Milliseconds. */
const PROGRAM_MS = 10_000;

/** Runs a shell command. Resolves with its output if it succeeds, and rejects with its last line if it fails. */
export function shell(script: string): Promise<string> {
  const { status, signal, stdout, stderr } = spawnSync("/bin/sh", ["-c", script], { encoding: "utf8", timeout: PROGRAM_MS });
  if (status === 0) return Promise.resolve(stdout.trim());
  const words = stderr.trim() || stdout.trim() || `ended with ${signal ?? status}`;
  return Promise.reject(new Error(words.split("\n").at(-1)));
}

/** Runs a Python program, which can make any system call through `ctypes`: `call(number, …)` raises the errno's name. */
export function python(program: string): Promise<string> {
  const prelude = `
import ctypes, errno, os, sys, platform, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"
def call(x86, arm, *args):
    ctypes.set_errno(0)
    got = libc.syscall(ctypes.c_long(x86 if X86 else arm), *args)
    if got < 0: raise OSError(ctypes.get_errno(), errno.errorcode.get(ctypes.get_errno(), "?"))
    return got
def attempt():
${program
  .trim()
  .split("\n")
  .map((line) => `    ${line}`)
  .join("\n")}
try:
    print(attempt() or "done")
except OSError as e:
    print(errno.errorcode.get(e.errno, e.errno), e.strerror, file=sys.stderr); sys.exit(1)
`;
  const { status, signal, stdout, stderr } = spawnSync("python3", ["-c", prelude], { encoding: "utf8", timeout: PROGRAM_MS });
  if (status === 0) return Promise.resolve(stdout.trim());
  return Promise.reject(new Error(stderr.trim().split("\n").at(-1) || `ended with ${signal ?? status}`));
}
