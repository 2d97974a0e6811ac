import { watch } from "node:fs";
import { open } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { StringDecoder } from "node:string_decoder";

/** Bytes read at once: the end of a log for its last lines, or what was written since a position. */
const TAIL_BYTES = 512 * 1024;
/** How long a following reader waits before it gets an empty answer. Milliseconds. */
const FOLLOW_MS = 25_000;

export interface LogPart {
  lines: string[];
  /** The position at which the next part begins. */
  position: number;
}

/** The last lines of a log, including those of the previous file. A log that does not exist yet is empty. */
export async function lastLines(file: string, count: number): Promise<LogPart> {
  const part = await read(file, undefined);
  const before = part.lines.length < count ? (await read(previous(file), undefined)).lines : [];
  return { ...part, lines: [...before, ...part.lines].slice(-count) };
}

/** The name of a full log. `src/platforms/bwrap/launcher.ts` renames it and begins a new one. */
const previous = (file: string): string => `${file}.1`;

/**
 * The lines after a position, as soon as there is a whole line. Empty if none comes within 25 seconds, or at once if
 * the log is `complete`.
 */
export async function linesAfter(file: string, position: number, { complete = false } = {}): Promise<LogPart> {
  // Watch first, then read, so that no write in between is missed.
  const change = changeOf(file);
  try {
    for (;;) {
      const part = await read(file, position);
      // The log was replaced. First the rest of the full one that the reader has not seen.
      if (part.position < position) return { ...part, lines: [...(await restOf(previous(file), position)), ...part.lines] };
      if (part.lines.length > 0 || complete || change.isTimedOut()) return part;
      await change.next();
    }
  } finally {
    change.stop();
  }
}

/** The lines after a position of a log that is no longer written. Empty if the log was never that long. */
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
    // A log that has become shorter was replaced.
    const isFresh = after === undefined || after > size;
    const from = Math.max(isFresh ? 0 : after, size - TAIL_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from);
    // Text after the last newline is not a whole line. It comes with the next part.
    const whole = isFresh ? bytesRead : buffer.subarray(0, bytesRead).lastIndexOf(10) + 1;
    const lines = new StringDecoder("utf8").write(buffer.subarray(0, whole)).split("\n");
    if (lines.at(-1) === "") lines.pop();
    // The first line may be incomplete.
    if (from > (isFresh ? 0 : after)) lines.shift();
    return { lines, position: from + whole };
  } finally {
    await handle.close();
  }
}

/** `next` resolves when the file changes, or when the time to answer has come. */
function changeOf(file: string): { next(): Promise<void>; isTimedOut(): boolean; stop(): void } {
  let isTimedOut = false;
  let isChanged = false;
  let wake = (): void => {};
  const changed = (): void => {
    isChanged = true;
    wake();
  };
  const end = (): void => {
    isTimedOut = true;
    wake();
  };
  // Neither the timer nor the watcher keeps a stopping daemon alive.
  const timer = setTimeout(end, FOLLOW_MS);
  timer.unref();
  // Watch the folder, because the file may not exist yet or may be replaced. Other files in it are ignored.
  const watcher = watch(dirname(file), { persistent: false }, (_, name) => name === basename(file) && changed());
  watcher.on("error", end);
  return {
    next: () =>
      new Promise((resolve) => {
        wake = resolve;
        if (isChanged || isTimedOut) resolve();
        isChanged = false;
      }),
    isTimedOut: () => isTimedOut,
    stop() {
      clearTimeout(timer);
      watcher.close();
    },
  };
}
