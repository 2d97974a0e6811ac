import { watch } from "node:fs";
import { open } from "node:fs/promises";
import { basename, dirname } from "node:path";
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

/** The last lines of a log, those of the file before it among them. A log that is not there yet is empty. */
export async function lastLines(file: string, count: number): Promise<LogPart> {
  const part = await read(file, undefined);
  const before = part.lines.length < count ? (await read(previous(file), undefined)).lines : [];
  return { ...part, lines: [...before, ...part.lines].slice(-count) };
}

/** Where a log goes that is full: `src/platforms/bwrap/launcher.ts` begins the next one then. */
const previous = (file: string): string => `${file}.1`;

/**
 * What came after a position, as soon as there is a whole line; nothing when none comes within half a minute, or now if
 * the log is `complete`.
 */
export async function linesAfter(file: string, position: number, { complete = false } = {}): Promise<LogPart> {
  // Watched first, read then: what is written in between is not missed.
  const change = changeOf(file);
  try {
    for (;;) {
      const part = await read(file, position);
      // Begun anew since: what the reader has not seen of the full one comes first.
      if (part.position < position) return { ...part, lines: [...(await restOf(previous(file), position)), ...part.lines] };
      if (part.lines.length > 0 || complete || change.isOver()) return part;
      await change.next();
    }
  } finally {
    change.stop();
  }
}

/** The lines after a position of a log that nobody writes any more; none where the log was never so long. */
async function restOf(file: string, position: number): Promise<string[]> {
  const part = await read(file, position);
  return part.position < position ? [] : part.lines;
}

async function read(file: string, after: number | undefined): Promise<LogPart> {
  let handle;
  try {
    handle = await open(file, "r");
  } catch {
    // Nothing has been logged yet.
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

/** `next` resolves when something happens to the file after the last time, or when it is time to answer. */
function changeOf(file: string): { next(): Promise<void>; isOver(): boolean; stop(): void } {
  let isOver = false;
  let isChanged = false;
  let wake = (): void => {};
  const look = (): void => {
    isChanged = true;
    wake();
  };
  const end = (): void => {
    isOver = true;
    wake();
  };
  // Neither holds up a daemon that ends.
  const timer = setTimeout(end, FOLLOW_MS);
  timer.unref();
  // The folder, because the file may not be there yet or be replaced; what else lies in it is nothing to us.
  const watcher = watch(dirname(file), { persistent: false }, (_, name) => name === basename(file) && look());
  watcher.on("error", end);
  return {
    next: () =>
      new Promise((resolve) => {
        wake = resolve;
        if (isChanged || isOver) resolve();
        isChanged = false;
      }),
    isOver: () => isOver,
    stop() {
      clearTimeout(timer);
      watcher.close();
    },
  };
}
