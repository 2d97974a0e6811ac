import { spawnSync } from "node:child_process";

/** How long `node -e 0` takes on the machine for which the tests' limits were chosen. Milliseconds. */
const REFERENCE_MS = 60;
const SAMPLES = 5;
/** Beyond this a limit would hide a test that hangs. */
const MAX_SLOWNESS = 20;
/**
 * Passes the factor from the main process to the workers. Not `HIVE_…`, because those variables do not reach the
 * programs under test.
 */
const VARIABLE = "TEST_SLOWNESS";

/** How many times slower than the reference machine this one currently is, never below 1. Starts Node five times. */
export function measureSlowness(): number {
  const samples = Array.from({ length: SAMPLES }, () => {
    const startedAt = performance.now();
    spawnSync(process.execPath, ["-e", "0"]);
    return performance.now() - startedAt;
  }).sort((a, b) => a - b);
  const median = samples[Math.floor(SAMPLES / 2)] ?? REFERENCE_MS;
  return Math.min(MAX_SLOWNESS, Math.max(1, median / REFERENCE_MS));
}

/** Measures once, before any worker starts, and passes the result to the workers. */
export function calibrate(): void {
  process.env[VARIABLE] ??= measureSlowness().toFixed(2);
}

/**
 * Scales a limit from the reference machine to this machine, in milliseconds. A limit only ends what hangs: no test may
 * depend on being faster.
 */
export function scaled(ms: number): number {
  return Math.round(ms * Number(process.env[VARIABLE] ?? 1));
}
