import { OutputLog, type LogLimits } from "../lib/output-log.ts";

/**
 * What is kept of the logs of builds. One log has some ten thousand lines, more than a person reads; those of the
 * newest hundred requests are kept.
 */
export const BUILD_LOG_LIMITS: LogLimits = {
  maxBytes: 1024 * 1024,
  maxLogs: 100,
  maxSum: 200 * 1024 * 1024,
};

/** The log of one build. */
export function buildLog(file: string, onUnexpected: (error: unknown) => void): OutputLog {
  return new OutputLog(file, BUILD_LOG_LIMITS, onUnexpected);
}
