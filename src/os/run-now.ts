import { spawnSync } from "node:child_process";
import { LAUNCH_ENV } from "./launch-env.ts";

/**
 * Runs a small program of the host to its end, with an empty environment. `input` descriptors are its descriptors from 3
 * on. Returns its output; throws with its words if it fails.
 */
export function runNow(program: string, argv: readonly string[], descriptors: readonly number[] = []): string {
  const ended = spawnSync(program, argv, {
    env: LAUNCH_ENV,
    cwd: "/",
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe", ...descriptors],
  });
  if (ended.status === 0) return ended.stdout;
  throw new Error(`${program}: ${ended.error?.message ?? (ended.stderr.trim() || `exit ${ended.status ?? ended.signal}`)}`);
}
