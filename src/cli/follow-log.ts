import { terminalText } from "./print.ts";
import type { Shell } from "./shell.ts";

interface Part {
  lines: string[];
  position: number;
}

/** A log that the daemon writes. */
interface Log {
  /** The last lines; or those after a position, as soon as there are some. */
  read(after?: number): Promise<Part>;
  /** What to say of a log that is empty. */
  nothing: string;
  /** Begins to wait until no more lines come. Resolves with the last words. */
  ended(): Promise<string>;
}

/** Prints a log. With `isFollowing` it prints new lines until the log has ended; `--json` then prints one answer per part. */
export async function printLog(shell: Shell, { read, nothing, ended }: Log, isFollowing: boolean): Promise<void> {
  const show = (part: Part): void => shell.show(part, () => part.lines.map(terminalText).join("\n"));
  let part = await read();
  if (part.lines.length > 0) show(part);
  else if (!isFollowing) return shell.show(part, () => nothing);
  if (!isFollowing) return;

  const end = ended();
  for (let isOver = false; !isOver;) {
    const next = read(part.position);
    isOver = await Promise.race([next.then(() => false), end.then(() => true)]);
    // Once the log has ended, an answer does not wait for more.
    part = isOver ? await read(part.position) : await next;
    if (part.lines.length > 0) show(part);
  }
  shell.say(await end);
}
