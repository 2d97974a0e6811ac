import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { startChild } from "../../os/run.ts";

/** How long a set-up may take: the installation of large dependencies from a slow registry. Milliseconds. */
const SETUP_MS = 30 * 60_000;
/** Output of one set-up that is kept. Bytes. */
const MAX_LOG_BYTES = 64 * 1024 * 1024;
/** How long output may still arrive when the group has ended: a process that left the group may keep it open. Milliseconds. */
const OUTPUT_MS = 1_000;
/** Characters of the end of the output in a reason: its last lines. */
const MAX_TAIL_CHARS = 400;

export interface SetupRun {
  command: string;
  cwd: string;
  env: Record<string, string>;
  logFile: string;
  /** Ends it. */
  ended: AbortSignal;
  /** Smaller limits, for tests. */
  timeoutMs?: number;
  maxLogBytes?: number;
}

/**
 * Runs a set-up command with a shell, and keeps its output. Resolves when no process of its group is left. Throws an
 * Error with the reason and the end of the output unless it ends with 0.
 */
export async function runSetup({
  command,
  cwd,
  env,
  logFile,
  ended,
  timeoutMs = SETUP_MS,
  maxLogBytes = MAX_LOG_BYTES,
}: SetupRun): Promise<void> {
  const log = createWriteStream(logFile, { flags: "w", mode: 0o600 });
  log.on("error", () => {}); // A full disk loses output, and the command notices it itself.
  let bytes = 0;
  let tail = "";
  const child = startChild("/bin/sh", ["-c", command], { env, cwd });
  child.stdin?.on("error", () => {}); // It need not read.
  child.stdin?.end();
  const keep = (chunk: Buffer): void => {
    tail = (tail + chunk.toString("utf8")).slice(-MAX_TAIL_CHARS);
    if (bytes >= maxLogBytes) return;
    const kept = chunk.subarray(0, maxLogBytes - bytes);
    bytes += kept.length;
    log.write(kept);
    if (bytes === maxLogBytes) log.write("\nfurther output is not kept\n");
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  let tooLong = false;
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // Every process of the group has ended.
    }
  };
  const timer = setTimeout(() => {
    tooLong = true;
    kill();
  }, timeoutMs);
  ended.addEventListener("abort", kill, { once: true });
  try {
    const failed = once(child, "error").then(([error]) => error as Error);
    const closed = once(child, "close");
    // `exit`, not `close`: a process that it left behind may keep its output open.
    const end = await Promise.race([
      once(child, "exit").then(([code, signal]) => ({ code: code as number | null, signal: signal as string | null })),
      failed,
    ]);
    kill();
    if (!(end instanceof Error)) await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, OUTPUT_MS).unref())]);
    if (end instanceof Error) throw new Error(`it could not be started: ${end.message}`);
    if (tooLong) throw new Error(`it took longer than ${timeoutMs / 60_000} minutes`);
    if (end.code !== 0)
      throw new Error(`it ended with ${end.code ?? end.signal ?? "a signal"}: ${tail.trim() || "it said nothing"}`);
  } finally {
    clearTimeout(timer);
    ended.removeEventListener("abort", kill);
    log.end();
    await finished(log).catch(() => {}); // Output is lost on a full disk.
  }
}
