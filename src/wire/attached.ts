import { INBOX_FOLDER } from "./file-limits.ts";

/** Files of one message. */
export const MAX_ATTACHED = 10;
/** A line that names a file. The daemon makes the names, so a line ends where its name does. */
const LINE = new RegExp(`^\\[file\\] (${INBOX_FOLDER}/[A-Za-z0-9][A-Za-z0-9._-]{0,199})$`);

/**
 * A message that names files of the agent's inbox in its last lines, each on one. This is the only record of them: it is
 * searched, redelivered and kept like every text.
 */
export function withAttached(text: string, paths: readonly string[]): string {
  if (paths.length === 0) return text;
  return [...(text.trim() === "" ? [] : [text, ""]), ...paths.map((path) => `[file] ${path}`)].join("\n");
}

/** The files that a message names in its last lines, at most `MAX_ATTACHED`. */
export function attachedOf(body: string): string[] {
  const paths: string[] = [];
  for (const line of body.split("\n").toReversed()) {
    const path = LINE.exec(line)?.[1];
    if (path === undefined || paths.length === MAX_ATTACHED) break;
    paths.unshift(path);
  }
  return paths;
}
