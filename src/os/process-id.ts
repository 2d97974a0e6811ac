import { readFileSync } from "node:fs";

/** A process that cannot be confused with a later one of the same number. */
export interface ProcessId {
  pid: number;
  /** Clock ticks since boot at which it started (field 22 of /proc/<pid>/stat). */
  startTime: number;
  /** The boot of the host. A record of an earlier boot names no process of this one. */
  boot?: string | undefined;
}

let boot: string | undefined;
/** The kernel's id of this boot. */
const bootId = (): string => (boot ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());

/** The identity of a running process; undefined if there is none. */
export function identify(pid: number): ProcessId | undefined {
  const fields = statFields(pid);
  if (!fields) return undefined;
  // A zombie has ended; only its exit code remains.
  return fields[0] === "Z" || fields[0] === "X" ? undefined : { pid, startTime: Number(fields[19]), boot: bootId() };
}

/** The current parent of a process: its starter, or the process that replaced it. */
export function parentOf(pid: number): ProcessId | undefined {
  const parent = statFields(pid)?.[1];
  return parent === undefined ? undefined : identify(Number(parent));
}

/** Fields of /proc/<pid>/stat after the name, which may contain spaces and brackets. Field 0 is the state. */
function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    // The process has ended.
    return undefined;
  }
}

export function isAlive({ pid, startTime, boot: recorded }: ProcessId): boolean {
  // Records of earlier versions have no boot.
  return (recorded === undefined || recorded === bootId()) && identify(pid)?.startTime === startTime;
}

/**
 * Signals a process unless its number has been reused. `refused`: the kernel does not let us, as with a process of
 * another user in a user namespace that we are not above.
 */
export function signal(target: ProcessId, name: NodeJS.Signals): "sent" | "ended" | "refused" {
  if (!isAlive(target)) return "ended";
  try {
    process.kill(target.pid, name);
    return "sent";
  } catch (error) {
    // Otherwise it ended between the check and the signal.
    return (error as NodeJS.ErrnoException).code === "EPERM" ? "refused" : "ended";
  }
}
