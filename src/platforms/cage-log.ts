import { closeSync, existsSync, openSync, readSync, renameSync, statSync, writeFileSync } from "node:fs";
import { LOG_BYTES } from "../os/keep-log.ts";

/** Rotates a log that is half full, so that the output of a start is always in the new one. */
export function makeRoomInLog(file: string): void {
  const size = existsSync(file) ? statSync(file).size : 0;
  if (size <= LOG_BYTES / 2) return;
  renameSync(file, `${file}.1`);
  // Only an earlier version can have written a larger log. Its end is kept.
  if (size > LOG_BYTES) writeFileSync(`${file}.1`, lastBytes(`${file}.1`, LOG_BYTES), { mode: 0o640 });
}

/** The last bytes of a file that may be too large to read whole. */
function lastBytes(file: string, count: number): Buffer {
  const fd = openSync(file, "r");
  try {
    const bytes = Buffer.alloc(count);
    return bytes.subarray(0, readSync(fd, bytes, 0, count, statSync(file).size - count));
  } finally {
    closeSync(fd);
  }
}
