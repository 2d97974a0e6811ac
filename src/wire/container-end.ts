/** The file in a container's folder that says how it ended: root's helper has it written, and the daemon reads it. */
export const STATUS_FILE = "status";

/** How a container ended, as its unit's script wrote it. */
export interface ContainerEnd {
  code: number | null;
  signal?: string;
  isOverMemory: boolean;
}

/** Reads the status file. Undefined if it is none. */
export function parseEnd(text: string): ContainerEnd | undefined {
  const found = /^(none|exited|killed|dumped) (\w+) ([\w-]+) (\d+)\n$/.exec(text);
  if (!found) return undefined;
  const [, how, status = "", result, ooms] = found;
  const isOverMemory = result === "oom-kill" || ooms !== "0";
  if (how === "exited" && /^\d{1,3}$/.test(status)) return { code: Number(status), isOverMemory };
  return { code: null, ...(how === "none" ? {} : { signal: `SIG${status}` }), isOverMemory };
}
