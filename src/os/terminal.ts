import type { ChildProcess } from "node:child_process";
import { startChild } from "./run.ts";

/**
 * Starts a shell command on a pseudo-terminal of its own. Our pipes are its keys and its screen. Its exit code is the
 * command's.
 */
export function startOnTerminal(
  command: string,
  size: { rows: number; columns: number },
  options: { env: Record<string, string>; cwd: string },
): ChildProcess {
  const script = `stty rows ${size.rows} cols ${size.columns}; exec ${command}`;
  return startChild("script", ["-q", "-e", "-f", "-c", script, "/dev/null"], options);
}
