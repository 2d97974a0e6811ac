import { diffLines, diffWordsWithSpace } from "diff";

/** Maximum characters of two lines whose words are compared. Longer lines cost more time than the marks are worth. */
const MAX_WORD_DIFF = 2000;
/** Maximum characters of all lines of one diff whose words are compared: at most a second of work for any content. */
const MAX_COMPARED = 100_000;
/** Maximum edits in the comparison of two lines by word. The time grows with the square of the edits. */
const MAX_WORD_EDITS = 400;
/** Maximum edits in the comparison of an edit's lines. */
const MAX_LINE_EDITS = 1_000;
/** Minimum share of a changed line that stays the same for its words to be marked; below it nearly all would be marked. */
const MIN_COMMON = 0.4;

export interface Piece {
  text: string;
  isChanged: boolean;
}

export interface PatchLine {
  /** `a`dded, `d`eleted, `c`ontext, `h`unk header, `n`ote. */
  kind: "a" | "d" | "c" | "h" | "n";
  before?: number;
  after?: number;
  pieces: readonly Piece[];
}

const whole = (text: string): Piece[] => [{ text, isChanged: false }];

/** The lines of a unified diff without file headers, numbered, with the words that differ marked. */
export function patchLines(patch: string): PatchLine[] {
  const lines: PatchLine[] = [];
  let before = 0;
  let after = 0;
  const texts = patch.split("\n");
  if (texts.at(-1) === "") texts.pop();
  for (const text of texts) {
    const header = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(text);
    if (header) {
      before = Number(header[1]);
      after = Number(header[2]);
      lines.push({ kind: "h", pieces: whole(text) });
    } else if (text.startsWith("+")) lines.push({ kind: "a", after: after++, pieces: whole(text.slice(1)) });
    else if (text.startsWith("-")) lines.push({ kind: "d", before: before++, pieces: whole(text.slice(1)) });
    else if (text.startsWith("\\")) lines.push({ kind: "n", pieces: whole(text.slice(2)) });
    else lines.push({ kind: "c", before: before++, after: after++, pieces: whole(text.slice(1)) });
  }
  return markChanges(lines);
}

/** The lines of a change from one text to another. If too much differs: all old lines, then all new lines. */
export function changeLines(before: string, after: string): PatchLine[] {
  const parts = diffLines(before, after, { maxEditLength: MAX_LINE_EDITS }) ?? [
    { value: before, removed: true, added: false },
    { value: after, removed: false, added: true },
  ];
  const lines = parts.flatMap((part): PatchLine[] => {
    const texts = part.value === "" ? [] : part.value.replace(/\n$/, "").split("\n");
    return texts.map((text) => ({ kind: part.added ? "a" : part.removed ? "d" : "c", pieces: whole(text) }));
  });
  return markChanges(before === after ? [] : lines);
}

function markChanges(lines: PatchLine[]): PatchLine[] {
  let mayCompare = MAX_COMPARED;
  for (const [deleted, added] of runs(lines)) {
    for (let n = 0; n < Math.min(deleted.length, added.length); n++) {
      const [old, fresh] = [deleted[n], added[n]];
      const size = textOf(old).length + textOf(fresh).length;
      if (!old || !fresh || size === 0 || size > MAX_WORD_DIFF || size > mayCompare) continue;
      mayCompare -= size;
      markWords(old, fresh);
    }
  }
  return lines;
}

/** Runs of deleted lines and the added lines that directly follow them. */
function* runs(lines: PatchLine[]): Generator<[PatchLine[], PatchLine[]]> {
  let deleted: PatchLine[] = [];
  let added: PatchLine[] = [];
  for (let n = 0; n <= lines.length; n++) {
    const line = lines[n];
    if (line?.kind === "d" && added.length === 0) deleted.push(line);
    else if (line?.kind === "a") added.push(line);
    else if (line?.kind !== "n") {
      if (deleted.length > 0 && added.length > 0) yield [deleted, added];
      deleted = line?.kind === "d" ? [line] : [];
      added = [];
    }
  }
}

const textOf = (line: PatchLine | undefined): string => line?.pieces[0]?.text ?? "";

function markWords(deleted: PatchLine, added: PatchLine): void {
  const [old, fresh] = [textOf(deleted), textOf(added)];
  const parts = diffWordsWithSpace(old, fresh, { maxEditLength: MAX_WORD_EDITS });
  if (parts === undefined) return;
  const common = parts.filter((part) => !part.added && !part.removed).reduce((sum, part) => sum + part.value.trim().length, 0);
  if (common < MIN_COMMON * Math.min(old.trim().length, fresh.trim().length)) return;
  deleted.pieces = parts.filter((part) => !part.added).map((part) => ({ text: part.value, isChanged: part.removed }));
  added.pieces = parts.filter((part) => !part.removed).map((part) => ({ text: part.value, isChanged: part.added }));
}

/** A row of the side-by-side view. */
export interface SplitLine {
  left?: PatchLine;
  right?: PatchLine;
}

/** Places added lines next to the deleted lines that they replace. */
export function splitLines(lines: readonly PatchLine[]): SplitLine[] {
  const rows: SplitLine[] = [];
  let open = 0;
  for (const line of lines) {
    if (line.kind === "a") {
      // The first row of this change with a free right side.
      while (open < rows.length && !(rows[open]?.left?.kind === "d" && rows[open]?.right === undefined)) open++;
      const row = rows[open];
      if (row) row.right = line;
      else rows.push({ right: line });
      continue;
    }
    if (line.kind !== "d" || rows.at(-1)?.left?.kind !== "d" || rows.at(-1)?.right !== undefined) open = rows.length;
    rows.push(line.kind === "d" ? { left: line } : { left: line, right: line });
  }
  return rows;
}
