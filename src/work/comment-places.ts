import { patchText } from "../diffs/patch-text.ts";
import type { FileChange } from "../os/git/diff.ts";
import { HiveError } from "../wire/error.ts";
import { MAX_QUOTE_CHARS } from "../wire/work.ts";

export type Side = "new" | "old";

/** The place of a comment, with the line that it is about. */
export interface CommentAt {
  path: string;
  line: number;
  side: Side;
  quote: string;
}

/** Ranges of lines that an error names. */
const MAX_RANGES = 20;

/**
 * The place in the first of these diffs that shows the line, with the beginning of the line itself. Throws `bad_request`
 * if none of them does.
 */
export function placeIn(
  diffs: readonly (readonly FileChange[])[],
  { path, line, side }: Pick<CommentAt, "path" | "line" | "side">,
): CommentAt {
  const files = diffs.map((files_) => files_.find((one) => one.path === path));
  const shown = files.map((file) => (file === undefined ? undefined : linesOf(file, side)));
  for (const lines of shown) {
    const quote = lines?.get(line);
    if (quote !== undefined) return { path, line, side, quote: quote.slice(0, MAX_QUOTE_CHARS) };
  }
  const own = shown.find((lines) => lines !== undefined);
  if (own === undefined)
    throw new HiveError("bad_request", `a comment names a file of the diff, and ${JSON.stringify(path)} is not changed`);
  const ranges = rangesOf([...own.keys()]);
  throw new HiveError(
    "bad_request",
    `the diff of ${JSON.stringify(path)} does not show line ${line} of the ${side} file: it shows ${ranges || "no line of it"}`,
  );
}

/** The lines of one side that a patch shows, by their numbers. */
function linesOf({ hunks }: FileChange, side: Side): Map<number, string> {
  const lines = new Map<number, string>();
  let [before, after] = [0, 0];
  for (const text of patchText(hunks).split("\n")) {
    const [, from, to] = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(text) ?? [];
    if (from !== undefined && to !== undefined) {
      [before, after] = [Number(from), Number(to)];
      continue;
    }
    const [isOld, isNew] = [/^[- ]/.test(text), /^[+ ]/.test(text)];
    if (side === "old" && isOld) lines.set(before, text.slice(1));
    if (side === "new" && isNew) lines.set(after, text.slice(1));
    before += Number(isOld);
    after += Number(isNew);
  }
  return lines;
}

/** `3-5, 9` for 3, 4, 5, 9. */
function rangesOf(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const n of numbers) {
    const last = ranges.at(-1);
    if (last?.[1] === n - 1) last[1] = n;
    else ranges.push([n, n]);
  }
  const named = ranges.slice(0, MAX_RANGES).map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`));
  return [...named, ...(ranges.length > MAX_RANGES ? ["…"] : [])].join(", ");
}
