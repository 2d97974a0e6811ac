const MIB = 1024 * 1024;

/** What one run of a check may use. */
export interface CheckLimits {
  /** Bytes of memory: a build of a large project. */
  memoryBytes: number;
  /** Percent of one processor: two of them. */
  cpuPercent: number;
  /** Processes and threads: a parallel build with its tools. */
  pids: number;
  /** Bytes on disk of the clone and of all that the check writes: dependencies and build results of a large project. */
  diskBytes: number;
  /** How often the disk is measured. Milliseconds. */
  diskEveryMs: number;
  /** Time for setup and check together. Milliseconds. */
  timeMs: number;
  /** Bytes of output that are kept. */
  logBytes: number;
}

export const CHECK_LIMITS: CheckLimits = {
  memoryBytes: 4096 * MIB,
  cpuPercent: 200,
  pids: 512,
  diskBytes: 10 * 1024 * MIB,
  diskEveryMs: 1_000,
  timeMs: 60 * 60_000,
  logBytes: 64 * MIB,
};
