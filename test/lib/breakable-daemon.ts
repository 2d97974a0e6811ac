import { closeSync, existsSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { readConfig } from "../../src/daemon/config.ts";
import { run } from "../../src/daemon/run.ts";

/**
 * The daemon with its failpoints armed by a file: `<state>/break.json` says where and how it breaks, once. An entry of
 * the tests' own; the program has no such thing.
 */
const config = readConfig(process.env, { foreground: process.argv.includes("--foreground") });
const armed = join(config.stateDir, "break.json");
/** Sizes of the pieces with which a disk is filled, down to the last byte. */
const PIECES = [1024 * 1024, 4096, 1];

/** Fills the disk under the state folder, for whoever takes `filler` away again. */
function fillDisk(): void {
  const fd = openSync(join(config.stateDir, "filler"), "a");
  for (const size of PIECES) {
    const piece = Buffer.alloc(size, 1);
    try {
      for (;;) writeSync(fd, piece);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    }
  }
  closeSync(fd);
}

async function failpoint(name: string): Promise<void> {
  if (!existsSync(armed)) return;
  const { at, how } = JSON.parse(readFileSync(armed, "utf8")) as { at: string; how: "kill" | "error" | "ENOSPC" | "full" };
  if (at !== name) return;
  // Filled before the mark goes: whoever sees that it is gone makes room again.
  if (how === "full") fillDisk();
  rmSync(armed);
  if (how === "full") return;
  if (how === "kill") process.kill(process.pid, "SIGKILL");
  if (how === "ENOSPC") throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  throw new Error(`broken at ${name}`);
}

try {
  process.exitCode = await run(config, failpoint);
} catch (error) {
  process.stderr.write(`hive-c0re: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
