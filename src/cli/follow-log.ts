import { connectLines, type LineClient } from "../rpc/client.ts";
import { terminalText } from "./print.ts";
import type { Shell } from "./shell.ts";

interface Part {
  lines: string[];
  position: number;
}

/** A log that the daemon writes. */
interface Log {
  /** The last lines; or those after a position, as soon as there are some. */
  read(client: LineClient, after?: number): Promise<Part>;
  /** What to say of a log that is empty. */
  nothing: string;
  /** Begins to wait until no more lines come. Resolves with the last words. */
  ended(): Promise<string>;
}

/** Prints a log. With `isFollowing` it prints new lines until the log has ended; `--json` then prints one answer per part. */
export async function printLog(shell: Shell, { read, nothing, ended }: Log, isFollowing: boolean): Promise<void> {
  const show = (part: Part): void => shell.show(part, () => part.lines.map(terminalText).join("\n"));
  let part = await read(shell.client);
  if (part.lines.length > 0) show(part);
  else if (!isFollowing) return shell.show(part, () => nothing);
  if (!isFollowing) return;

  // The end is waited for once: a reaction to it for each part would stay until then.
  let isOver = false;
  let wake = (): void => {};
  const end = ended().finally(() => {
    isOver = true;
    wake();
  });
  // It is thrown below.
  end.catch(() => {});
  while (!isOver) {
    const next = read(shell.client, part.position);
    await new Promise<void>((resolve, reject) => {
      wake = resolve;
      next.then(() => resolve(), reject);
    });
    if (isOver) await end;
    part = isOver ? await lastPart(shell, read, part.position) : await next;
    if (part.lines.length > 0) show(part);
  }
  shell.say(await end);
}

/**
 * What was written until the log ended. Its answer does not wait, but those of a connection come in order, and one that
 * waits for more lines may be on its way: so it takes a connection of its own.
 */
async function lastPart({ socketPath }: Shell, read: Log["read"], position: number): Promise<Part> {
  const client = await connectLines(socketPath, { ordered: true });
  try {
    return await read(client, position);
  } finally {
    client.close();
  }
}
