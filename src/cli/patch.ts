import { patchLines } from "./diff-lines.ts";
import type { Shell } from "./shell.ts";

/** A patch that the daemon sends in parts. `after` is the number of characters that the reader has. */
type ReadPart = (after: number) => Promise<{ text: string; next?: number | undefined }>;

/** All parts of a patch. */
export async function wholePatch(read: ReadPart): Promise<string> {
  let text = "";
  for (let after: number | undefined = 0; after !== undefined;) {
    const part: Awaited<ReturnType<ReadPart>> = await read(after);
    text += part.text;
    after = part.next;
  }
  return text;
}

/** Prints the patch of one file to its end. */
export async function showPatch(shell: Shell, read: ReadPart): Promise<void> {
  shell.show({ text: await wholePatch(read) }, ({ text }) =>
    text === "" ? "only its mode changes, or it is empty" : patchLines(text, shell.paint).join("\n"),
  );
}

export interface PatchLine {
  side: "new" | "old" | "both";
  /** Its number in the old and in the new file. A line that is in one of them has no other number. */
  old?: number;
  new?: number;
  text: string;
}

/** The lines of a patch with their numbers in the old and in the new file. */
export function numberedLines(patch: string): PatchLine[] {
  const lines: PatchLine[] = [];
  let [old, now] = [0, 0];
  for (const line of patch.replace(/\n$/, "").split("\n")) {
    const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)/.exec(line);
    const text = line.slice(1);
    if (hunk) [old, now] = [Number(hunk[1]), Number(hunk[2])];
    else if (line.startsWith("+")) lines.push({ side: "new", new: now++, text });
    else if (line.startsWith("-")) lines.push({ side: "old", old: old++, text });
    else if (line.startsWith(" ")) lines.push({ side: "both", old: old++, new: now++, text });
  }
  return lines;
}

/** The ranges of line numbers that a patch shows on one side, as words: `3-9, 41`. */
export function shownRanges(lines: readonly PatchLine[], side: "new" | "old"): string {
  const ranges: [number, number][] = [];
  for (const line of lines) {
    const at = line[side];
    const last = ranges.at(-1);
    if (at === undefined) continue;
    if (last && at === last[1] + 1) last[1] = at;
    else ranges.push([at, at]);
  }
  return ranges.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(", ");
}
