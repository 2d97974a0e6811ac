import { spawn } from "node:child_process";

/** Time for a program in the cage. Milliseconds. */
const PROGRAM_MS = 30_000;

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

/** How long a Python attempt may take. Seconds. */
const PYTHON_SECONDS = PROGRAM_MS / 1000;

/**
 * Reads a line of JSON for each attempt and carries it out in a process of its own, forked: a start of Python takes most of
 * an attempt's time. Answers with a line once that process has ended.
 */
const PYTHON = String.raw`
import ctypes, errno, json, os, platform, signal, socket, struct, sys, traceback
libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"
def call(x86, arm, *args):
    ctypes.set_errno(0)
    got = libc.syscall(ctypes.c_long(x86 if X86 else arm), *[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
    if got < 0: raise OSError(ctypes.get_errno(), errno.errorcode.get(ctypes.get_errno(), "?"))
    return got
def carry_out(body, out):
    signal.alarm(${PYTHON_SECONDS})
    os.dup2(out, 1); os.dup2(out, 2)
    code = 0
    try:
        scope = dict(globals())
        exec("def attempt():\n" + "\n".join("    " + line for line in body.split("\n")), scope)
        print(scope["attempt"]() or "done")
    except OSError as e:
        print(errno.errorcode.get(e.errno, e.errno), e.strerror); code = 1
    except BaseException:
        traceback.print_exc(); code = 1
    sys.stdout.flush(); sys.stderr.flush()
    os._exit(code)
def watch(n, body):
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ours, out = os.pipe()
    child = os.fork()
    if child == 0: carry_out(body, out)
    os.close(out)
    said = b""
    while piece := os.read(ours, 65536): said += piece
    status = os.waitpid(child, 0)[1]
    end = {"status": os.WEXITSTATUS(status)} if os.WIFEXITED(status) else {"signal": signal.Signals(os.WTERMSIG(status)).name}
    os.write(1, (json.dumps({"n": n, "said": said.decode("utf-8", "replace")[-1000:], **end}) + "\n").encode())
    os._exit(0)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    job = json.loads(line)
    if os.fork() == 0: watch(job["n"], job["body"])
`;

interface Job {
  resolve(end: End): void;
  reject(error: Error): void;
}
let python3: { ask(body: string): Promise<End> } | undefined;

/** Starts the program above. */
function startPython(): NonNullable<typeof python3> {
  const child = spawn("python3", ["-c", PYTHON], { stdio: ["pipe", "pipe", "inherit"] });
  const jobs = new Map<number, Job>();
  let count = 0;
  let rest = "";
  const fail = (why: string) => (): void => {
    for (const { reject } of jobs.values()) reject(new Error(`python3 ${why}`));
    jobs.clear();
    python3 = undefined;
  };
  child.once("error", ({ message }) => fail(message)());
  child.once("close", fail("has ended"));
  child.stdin.on("error", () => {}); // `close` follows.
  child.stdout.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const { n, said, status = null, signal = null } = JSON.parse(line) as { n: number; said: string } & Partial<End>;
      jobs.get(n)?.resolve({ status, signal, stdout: said, stderr: "" });
      jobs.delete(n);
    }
  });
  return {
    ask: (body) =>
      new Promise((resolve, reject) => {
        jobs.set(++count, { resolve, reject });
        child.stdin.write(`${JSON.stringify({ n: count, body })}\n`);
      }),
  };
}

/** Runs a Python function, which can make any system call through `ctypes`: `call(number, …)` raises the errno's name. */
export async function python(body: string): Promise<string> {
  return outputOf(await (python3 ??= startPython()).ask(body.trim()));
}
