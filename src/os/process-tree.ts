import { readFileSync, readdirSync } from "node:fs";

/**
 * Every living descendant of a process, parents before children. Read from /proc, so it includes those in other groups.
 */
export function descendants(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    const child = Number(entry);
    if (!Number.isInteger(child)) continue;
    const parent = parentOf(child);
    if (parent === undefined) continue;
    const siblings = children.get(parent);
    if (siblings) siblings.push(child);
    else children.set(parent, [child]);
  }
  const found: number[] = [];
  const open = [pid];
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    for (const below of children.get(next) ?? []) {
      found.push(below);
      open.push(below);
    }
  }
  return found;
}

/** Kills a process with its whole tree, including children in other groups. */
export function killTree(pid: number): void {
  // Collected first: once a parent is dead, its children belong to init and cannot be identified.
  for (const one of [pid, ...descendants(pid)]) kill(one);
}

export function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

/** Resident memory of one process in bytes; 0 if it has ended. */
export function residentBytes(pid: number): number {
  try {
    const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kib ?? 0) * 1024;
  } catch {
    // The process has ended.
    return 0;
  }
}

function parentOf(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    // The process has ended.
    return undefined;
  }
}
