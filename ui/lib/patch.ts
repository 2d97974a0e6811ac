import { diffLines, diffWordsWithSpace } from "diff";

/** Characters of two lines past which their words are not compared: that would cost more than it shows. */
const MAX_WORD_DIFF = 2000;
/** How much of a changed line must stay for its words to be marked: below it everything would be. */
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

/** The lines of a unified diff without file headers, with their numbers, and the words that differ marked. */
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

/** The lines of a change from one text to another, without context that is far from it. */
export function changeLines(before: string, after: string): PatchLine[] {
  const lines = diffLines(before, after).flatMap((part): PatchLine[] => {
    const texts = part.value.replace(/\n$/, "").split("\n");
    return texts.map((text) => ({ kind: part.added ? "a" : part.removed ? "d" : "c", pieces: whole(text) }));
  });
  return markChanges(before === after ? [] : lines);
}

function markChanges(lines: PatchLine[]): PatchLine[] {
  for (const [deleted, added] of runs(lines)) {
    for (let n = 0; n < Math.min(deleted.length, added.length); n++) markWords(deleted[n], added[n]);
  }
  return lines;
}

/** Deleted lines and the added ones that follow them at once. */
function* runs(lines: PatchLine[]): Generator<[PatchLine[], PatchLine[]]> {
  let deleted: PatchLine[] = [];
  let added: PatchLine[] = [];
  for (const line of [...lines, undefined]) {
    if (line?.kind === "d" && added.length === 0) deleted.push(line);
    else if (line?.kind === "a") added.push(line);
    else if (line?.kind !== "n") {
      if (deleted.length > 0 && added.length > 0) yield [deleted, added];
      deleted = line?.kind === "d" ? [line] : [];
      added = [];
    }
  }
}

function markWords(deleted: PatchLine | undefined, added: PatchLine | undefined): void {
  const [old, fresh] = [deleted?.pieces[0]?.text ?? "", added?.pieces[0]?.text ?? ""];
  if (!deleted || !added || old.length + fresh.length > MAX_WORD_DIFF) return;
  const parts = diffWordsWithSpace(old, fresh);
  const common = parts.filter((part) => !part.added && !part.removed).reduce((sum, part) => sum + part.value.trim().length, 0);
  if (common < MIN_COMMON * Math.min(old.trim().length, fresh.trim().length)) return;
  deleted.pieces = parts.filter((part) => !part.added).map((part) => ({ text: part.value, isChanged: part.removed }));
  added.pieces = parts.filter((part) => !part.removed).map((part) => ({ text: part.value, isChanged: part.added }));
}

/** One line of a view side by side. */
export interface SplitLine {
  left?: PatchLine;
  right?: PatchLine;
}

/** Puts deleted lines beside the added ones that replace them. */
export function splitLines(lines: readonly PatchLine[]): SplitLine[] {
  const rows: SplitLine[] = [];
  let open = 0;
  for (const line of lines) {
    if (line.kind === "a") {
      // The first row of this change that has nothing on its right yet.
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
