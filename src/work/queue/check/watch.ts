import { bytesOnDisk } from "../../../os/disk-use.ts";
import type { Running } from "../../../platforms/port.ts";
import type { CheckLimits } from "./limits.ts";

/** Why a check was ended before it ended itself. */
export type Stopped = "time" | "disk" | "daemon";

/**
 * Ends a cage that runs too long or whose folder becomes too large, and when the daemon stops. `stop` ends the watch; its
 * result says why the cage was ended.
 */
export function watchCage(
  cage: Running,
  {
    folder,
    limits,
    ended,
  }: { folder: string; limits: Pick<CheckLimits, "timeMs" | "diskBytes" | "diskEveryMs">; ended: AbortSignal },
): { stop(): Stopped | undefined } {
  let why: Stopped | undefined;
  let isOver = false;
  const kill = (reason: Stopped): void => {
    if (why !== undefined || isOver) return;
    why = reason;
    // Its failure shows in `exited`.
    void cage.kill().catch(() => {});
  };
  const timer = setTimeout(() => kill("time"), limits.timeMs);
  const aborted = (): void => kill("daemon");
  if (ended.aborted) aborted();
  ended.addEventListener("abort", aborted, { once: true });

  let next: NodeJS.Timeout | undefined;
  const measure = async (): Promise<void> => {
    const bytes = await bytesOnDisk([folder]);
    // What cannot be measured in two minutes has more files than any check needs.
    if (bytes === undefined || bytes > limits.diskBytes) return kill("disk");
    if (!isOver) next = setTimeout(() => void measure(), limits.diskEveryMs);
  };
  void measure();

  return {
    stop() {
      isOver = true;
      clearTimeout(timer);
      clearTimeout(next);
      ended.removeEventListener("abort", aborted);
      return why;
    },
  };
}
