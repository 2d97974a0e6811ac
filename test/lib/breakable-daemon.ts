import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { readConfig } from "../../src/daemon/config.ts";
import { run } from "../../src/daemon/run.ts";

/**
 * The daemon with its failpoints armed by a file: `<state>/break.json` says where and how it breaks, once. An entry of
 * the tests' own; the program has no such thing.
 */
const config = readConfig(process.env, { foreground: process.argv.includes("--foreground") });
const armed = join(config.stateDir, "break.json");

async function failpoint(name: string): Promise<void> {
  if (!existsSync(armed)) return;
  const { at, how } = JSON.parse(readFileSync(armed, "utf8")) as { at: string; how: "kill" | "error" | "ENOSPC" };
  if (at !== name) return;
  rmSync(armed);
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
