import { fit, width } from "./print.ts";

/** Wraps text to this many columns between words. Cuts a word that is longer. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter((one) => one !== "")) {
    const last = lines.at(-1);
    if (last !== undefined && width(last) + 1 + width(word) <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(fit(word, columns));
  }
  return lines;
}

/** What precedes a line's first word: its indentation, and the marker of a list entry. */
const LEAD = /^\s*(?:(?:[-*•]|\d+[.)])\s+)?/;
const COLOURS = /\u001B\[[\d;]*m/g;
/** Columns of a painted text, without its colours. */
const paintedWidth = (text: string): number => width(text.replace(COLOURS, ""));

/**
 * Wraps text that has line breaks of its own. Breaks a long line between words and indents the rest to its first word,
 * and by at least `hang` columns. Never cuts or joins: a word that is longer than the terminal (an address to be copied
 * whole) is left to the terminal.
 */
export function reflow(text: string, columns: number, hang = 0): string {
  if (!Number.isFinite(columns) || columns < 1) return text;
  return text
    .split("\n")
    .map((line) => (paintedWidth(line) <= columns ? line : broken(line, columns, hang)))
    .join("\n");
}

/** Breaks text into lines of at most this many columns, within a word if necessary. Colours stay with their text. */
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

/** The longest prefix that fits, and at least one character: a wide character in a single column is left to the terminal. */
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
  // Indentation takes at most half the terminal.
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
