import { closeSync, readdirSync, readFileSync } from "node:fs";

/** The flag of a descriptor that no program inherits, as /proc prints it. */
const CLOSE_ON_EXEC = 0o2000000;
const LAST_OF_STDIO = 2;

/**
 * Closes what this process has inherited besides its stdio, so that no program that it starts inherits it. Descriptors
 * of Node itself are not inherited anyway.
 */
export function closeInherited(): void {
  for (const name of readdirSync("/proc/self/fdinfo")) {
    const fd = Number(name);
    if (fd <= LAST_OF_STDIO) continue;
    try {
      const flags = Number.parseInt(/^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? "0", 8);
      if ((flags & CLOSE_ON_EXEC) === 0) closeSync(fd);
    } catch {
      // It was the descriptor of this listing.
    }
  }
}
