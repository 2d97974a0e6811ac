import { readdirSync, readFileSync } from "node:fs";

/** The open descriptors of a process, and its resident memory in bytes. */
export function holdings(pid: number): { descriptors: number; resident: number } {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return { descriptors: readdirSync(`/proc/${pid}/fd`).length, resident: Number(kib) * 1024 };
}
