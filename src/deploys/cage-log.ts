import { open } from "node:fs/promises";

/** The bytes and lines of a cage's log in a failure message: enough to see why a program ended. */
const TAIL_BYTES = 4_096;
const TAIL_LINES = 15;

/** The last lines of a cage's log. Empty if there is no log. */
export async function cageLogTail(file: string): Promise<string> {
  try {
    const handle = await open(file, "r");
    try {
      const { size } = await handle.stat();
      const length = Math.min(size, TAIL_BYTES);
      const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
      return buffer.toString("utf8").trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
    } finally {
      await handle.close();
    }
  } catch {
    // There is no log, so the failure message stands alone.
    return "";
  }
}
