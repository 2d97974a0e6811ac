import type { DiffFile } from "../../src/wire/approval.ts";
import { isUnshown } from "../../src/wire/unshown.ts";
import { patchLines, type PatchLine } from "./patch.ts";

/** A change of at most this many rows is on its card whole, and is decided there. More would push the buttons off a laptop's screen. */
const WHOLE_ROWS = 20;
/** Rows of the beginning of a longer change. */
const BEGINNING_ROWS = 10;
/** Characters of a row: a longer line wraps into several rows. */
const ROW_CHARS = 80;

/** What a card shows of a diff. */
export interface CardDiff {
  parts: readonly { file: DiffFile; lines: readonly PatchLine[] }[];
  /** Files that this hive never reads. The card names them. */
  ignored: readonly DiffFile[];
  /** Changed lines that the card does not show. */
  hiddenLines: number;
  /** Changed files of which the card shows nothing. */
  hiddenFiles: number;
  /** False if the request must be decided on its page. */
  isWhole: boolean;
}

/** A diff as its card shows it: every changed line if they fit, else the beginning. Context lines are left out. */
export function cardDiff(files: readonly DiffFile[]): CardDiff {
  const ignored = files.filter((file) => file.ignored === true);
  const read = files.filter((file) => file.ignored !== true);
  const whole = beginning(read, WHOLE_ROWS);
  const { parts, hiddenLines } =
    whole.hiddenLines === 0 && whole.parts.length === read.length ? whole : beginning(read, BEGINNING_ROWS);
  const hiddenFiles = read.length - parts.length;
  return { parts, ignored, hiddenLines, hiddenFiles, isWhole: hiddenLines === 0 && hiddenFiles === 0 && !files.some(isUnshown) };
}

/** What the card does not show, in words. */
export function hiddenWords({ hiddenLines: lines, hiddenFiles: files }: CardDiff): string {
  if (lines === 0) return files === 1 ? "1 more file" : `${files} more files`;
  const words = lines === 1 ? "1 more changed line" : `${lines} more changed lines`;
  return files === 0 ? words : `${words}, ${files === 1 ? "1 more file" : `${files} more files`}`;
}

function beginning(files: readonly DiffFile[], rows: number): Pick<CardDiff, "parts" | "hiddenLines"> {
  const parts: { file: DiffFile; lines: PatchLine[] }[] = [];
  let left = rows;
  let hiddenLines = 0;
  for (const file of files) {
    const total = file.added + file.removed;
    // A file's name takes a row, so that many empty files do not fill the card.
    left -= 1;
    const lines = left < 0 ? [] : changedLines(file.patch ?? "", left);
    hiddenLines += Math.max(0, total - lines.length);
    if (left >= 0 && (lines.length > 0 || total === 0 || isUnshown(file))) parts.push({ file, lines });
    left -= lines.reduce((sum, line) => sum + rowsOf(textOf(line)), 0);
    // Once a line did not fit, nothing after it is shown: a later line must not look like the next one.
    if (lines.length < total) left = 0;
  }
  return { parts, hiddenLines };
}

/** The first changed lines of a patch that fit into so many rows. Reads no more of it than that. */
function changedLines(patch: string, rows: number): PatchLine[] {
  let end = 0;
  for (let left = rows; end < patch.length;) {
    const eol = patch.indexOf("\n", end);
    const next = eol < 0 ? patch.length : eol + 1;
    const line = patch.slice(end, next);
    if (/^[+-]/.test(line)) left -= rowsOf(line.slice(1));
    if (left < 0) break;
    end = next;
  }
  // With the lines between them: words are compared only where one line replaces another.
  return patchLines(patch.slice(0, end)).filter(({ kind }) => kind === "a" || kind === "d");
}

const textOf = (line: PatchLine): string => line.pieces.map(({ text }) => text).join("");
/** Rows that a line takes on a card. */
const rowsOf = (line: string): number => Math.max(1, Math.ceil(line.trimEnd().length / ROW_CHARS));
