import type { PatchLine } from "../lib/patch.ts";

/** A line of a changed file: its number in the new file, or in the old one for a removed line. */
export interface Place {
  side: "new" | "old";
  line: number;
}

/** The place of a line; undefined for the head of a hunk and for a note. */
export function placeOf({ kind, before, after }: PatchLine): Place | undefined {
  if (kind === "d" && before !== undefined) return { side: "old", line: before };
  if ((kind === "a" || kind === "c") && after !== undefined) return { side: "new", line: after };
  return undefined;
}

/** Identifies a place within its file. */
export const placeKey = ({ side, line }: Place): string => `${side}:${line}`;

export const textOf = (line: PatchLine): string => line.pieces.map(({ text }) => text).join("");

/** The line at a place. */
export function lineAt(lines: readonly PatchLine[], key: string): PatchLine | undefined {
  return lines.find((line) => {
    const place = placeOf(line);
    return place !== undefined && placeKey(place) === key;
  });
}

/** The keys of the lines that can be named. */
export function placesOf(lines: readonly PatchLine[]): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const line of lines) {
    const place = placeOf(line);
    if (place) keys.add(placeKey(place));
  }
  return keys;
}
