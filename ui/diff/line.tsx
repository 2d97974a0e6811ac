import type { ReactNode } from "react";
import type { PatchLine } from "../lib/patch.ts";
import { visiblePieces } from "../lib/text.ts";

/** The text of a line. Words that differ are marked, and so is every character that would hide text or change its direction. */
export function LineText({ line }: { line: PatchLine }): ReactNode {
  return line.pieces.map((piece, n) => {
    const text = visiblePieces(piece.text).map((part, at) =>
      part.wasHidden ? (
        <mark key={at} className="unseen" title="a character that does not show">
          {part.text}
        </mark>
      ) : (
        part.text
      ),
    );
    return piece.isChanged ? <b key={n}>{text}</b> : <span key={n}>{text}</span>;
  });
}
