import { readFileSync } from "node:fs";

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessId {
  pid: number;
  /** Clock ticks since boot at which it started (field 22 of /proc/<pid>/stat). */
  startTime: number;
}

/** Reads the identity of a running process, or undefined when there is none. */
export function identify(pid: number): ProcessId | undefined {
  const fields = statFields(pid);
  if (!fields) return undefined;
  // A zombie has ended; only its exit code is left.
  return fields[0] === "Z" || fields[0] === "X" ? undefined : { pid, startTime: Number(fields[19]) };
}

/** The process that started this one, or takes its place since that has ended. */
export function parentOf(pid: number): ProcessId | undefined {
  const parent = statFields(pid)?.[1];
  return parent === undefined ? undefined : identify(Number(parent));
}

/** Fields of /proc/<pid>/stat after the name, which may hold spaces and brackets: 0 is the state. */
function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    // The process is gone.
    return undefined;
  }
}

export function isAlive(process: ProcessId): boolean {
  return identify(process.pid)?.startTime === process.startTime;
}

/** Signals a process unless its number belongs to another one by now. False when it was gone. */
export function signal(target: ProcessId, name: NodeJS.Signals): boolean {
  if (!isAlive(target)) return false;
  try {
    process.kill(target.pid, name);
    return true;
  } catch {
    // It ended between the look and the signal.
    return false;
  }
}
