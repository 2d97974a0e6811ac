import { diffLines, diffWordsWithSpace } from "diff";
import { useMemo, useState, type ReactNode } from "react";
import { visible } from "../lib/text.ts";

/** Lines of a change that are shown before it is folded. */
const FOLD_LINES = 14;
/** Characters past which a line's words are not compared: that would cost more than it shows. */
const MAX_WORD_DIFF = 2000;

interface Line {
  kind: "a" | "d" | "c";
  pieces: { text: string; isChanged: boolean }[];
}

/** A change as removed and added lines, with the words that differ marked. */
export function DiffView({ before, after }: { before: string; after: string }): ReactNode {
  const lines = useMemo(() => linesOf(before, after), [before, after]);
  const [isOpen, setOpen] = useState(false);
  if (lines.length === 0) return null;
  const shown = isOpen ? lines : lines.slice(0, FOLD_LINES);
  return (
    <div className="diff">
      {shown.map((line, index) => (
        <div key={index} className={line.kind}>
          <span aria-label={{ a: "added", d: "removed", c: "" }[line.kind]}>{{ a: "+ ", d: "- ", c: "  " }[line.kind]}</span>
          {line.pieces.map((piece, at) => (piece.isChanged ? <b key={at}>{visible(piece.text)}</b> : visible(piece.text)))}
        </div>
      ))}
      {lines.length > FOLD_LINES && (
        <button type="button" className="fold" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? "fold ▾" : `${lines.length - FOLD_LINES} more lines ▸`}
        </button>
      )}
    </div>
  );
}

function linesOf(before: string, after: string): Line[] {
  const lines: Line[] = [];
  const changes = diffLines(before, after);
  for (const [index, change] of changes.entries()) {
    const next = changes[index + 1];
    const previous = changes[index - 1];
    const texts = split(change.value);
    // One line for one line: the words that differ can be told.
    const twin =
      change.removed && next?.added ? split(next.value) : change.added && previous?.removed ? split(previous.value) : undefined;
    for (const [n, text] of texts.entries()) {
      const other = twin?.length === texts.length ? twin[n] : undefined;
      const kind = change.added ? "a" : change.removed ? "d" : "c";
      lines.push({ kind, pieces: other === undefined ? [{ text, isChanged: false }] : words(text, other) });
    }
  }
  return lines;
}

function split(text: string): string[] {
  if (text === "") return [];
  return text.replace(/\n$/, "").split("\n");
}

/** The pieces of `text`, those marked that `other` does not have. */
function words(text: string, other: string): Line["pieces"] {
  if (text.length + other.length > MAX_WORD_DIFF) return [{ text, isChanged: false }];
  return diffWordsWithSpace(other, text)
    .filter((part) => !part.removed)
    .map((part) => ({ text: part.value, isChanged: part.added }));
}
