import { fit, width } from "./print.ts";

/** The text in lines of at most so many columns, broken between words; a word that is longer is cut. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter((one) => one !== "")) {
    const last = lines.at(-1);
    if (last !== undefined && width(last) + 1 + width(word) <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(fit(word, columns));
  }
  return lines;
}

/** What stands before a line's first word: its indentation, and the mark of an entry in a list. */
const LEAD = /^\s*(?:(?:[-*•]|\d+[.)])\s+)?/;
const COLOURS = /\u001B\[[\d;]*m/g;
/** Columns of a painted text: colours take none. */
const paintedWidth = (text: string): number => width(text.replace(COLOURS, ""));

/**
 * Text that was written with lines of its own, for a terminal of so many columns. A line that is longer is broken
 * between words, and what follows stands under its first word, and at least `hang` columns in. Nothing is cut and nothing is
 * joined: a word that is longer than the terminal (an address that shall be copied whole) is left to it.
 */
export function reflow(text: string, columns: number, hang = 0): string {
  if (!Number.isFinite(columns) || columns < 1) return text;
  return text
    .split("\n")
    .map((line) => (paintedWidth(line) <= columns ? line : broken(line, columns, hang)))
    .join("\n");
}

/** Lines of at most so many columns each, broken anywhere where a word is longer; colours stay with their text. */
export function chopped(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const line of text.split("\n")) {
    let current = "";
    let room = columns;
    for (const piece of line.split(/(\u001B\[[\d;]*m)/)) {
      if (piece.startsWith("\u001B")) {
        current += piece;
        continue;
      }
      let rest = piece;
      while (width(rest) > room) {
        const part = firstColumns(rest, room);
        lines.push(current + part);
        rest = rest.slice(part.length);
        current = "";
        room = columns;
      }
      current += rest;
      room -= width(rest);
    }
    lines.push(current);
  }
  return lines;
}

/** As much of a text as fits, and never nothing of a whole line: a wide character on one column is left to the terminal. */
function firstColumns(text: string, columns: number): string {
  let kept = "";
  for (const char of text) {
    if (kept !== "" && width(kept + char) > columns) break;
    if (kept === "" && columns <= 0) break;
    kept += char;
  }
  return kept;
}

function broken(line: string, columns: number, hang: number): string {
  const lead = LEAD.exec(line)?.[0] ?? "";
  // Half a terminal of indentation is enough for anybody.
  const under = " ".repeat(Math.min(Math.max(hang, width(lead)), Math.floor(columns / 2)));
  const lines: string[] = [];
  let current = lead;
  let room = columns - width(lead);
  let gap = "";
  for (const piece of line.slice(lead.length).split(/(\s+)/)) {
    if (piece.trim() === "") {
      gap = piece;
      continue;
    }
    const needed = paintedWidth(gap) + paintedWidth(piece);
    if (needed <= room || current === lead) {
      current += gap + piece;
      room -= needed;
    } else {
      lines.push(current);
      current = under + piece;
      room = columns - under.length - paintedWidth(piece);
    }
    gap = "";
  }
  return [...lines, current].join("\n");
}
