import { watch } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { StringDecoder } from "node:string_decoder";

/** Bytes read at once: from the end of a log for its last lines, or of what came since. */
const TAIL_BYTES = 512 * 1024;
/** How long a reader that follows is kept before it gets an empty answer. Milliseconds. */
const FOLLOW_MS = 25_000;

export interface LogPart {
  lines: string[];
  /** Where the next part begins. */
  position: number;
}

/** The last lines of a log. A log that is not there yet is empty. */
export async function lastLines(file: string, count: number): Promise<LogPart> {
  const part = await read(file, undefined);
  return { ...part, lines: part.lines.slice(-count) };
}

/** What came after a position, as soon as there is a whole line; nothing when none comes within half a minute. */
export async function linesAfter(file: string, position: number): Promise<LogPart> {
  // Watched first, read then: what is written in between is not missed.
  const change = changeOf(file);
  try {
    const part = await read(file, position);
    if (part.lines.length > 0 || part.position < position) return part;
    await change.seen;
    return await read(file, position);
  } finally {
    change.stop();
  }
}

async function read(file: string, after: number | undefined): Promise<LogPart> {
  let handle;
  try {
    handle = await open(file, "r");
  } catch {
    return { lines: [], position: 0 };
  }
  try {
    const { size } = await handle.stat();
    // A log that is shorter than it was has been begun anew.
    const isFresh = after === undefined || after > size;
    const from = Math.max(isFresh ? 0 : after, size - TAIL_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from);
    // What follows the last newline is not a line yet; it comes with the next part.
    const whole = isFresh ? bytesRead : buffer.subarray(0, bytesRead).lastIndexOf(10) + 1;
    const lines = new StringDecoder("utf8").write(buffer.subarray(0, whole)).split("\n");
    if (lines.at(-1) === "") lines.pop();
    // The first line was probably cut in the middle.
    if (from > (isFresh ? 0 : after)) lines.shift();
    return { lines, position: from + whole };
  } finally {
    await handle.close();
  }
}

/** `seen` resolves when something happens in the folder of the file, or when it is time to answer. */
function changeOf(file: string): { seen: Promise<void>; stop(): void } {
  let stop = (): void => {};
  const seen = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, FOLLOW_MS);
    const watcher = watch(dirname(file), () => resolve());
    watcher.on("error", () => resolve());
    stop = () => {
      clearTimeout(timer);
      watcher.close();
    };
  });
  return { seen, stop };
}
