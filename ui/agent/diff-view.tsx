import { useMemo, useState, type ReactNode } from "react";
import { LineText } from "../diff/line.tsx";
import { changeLines } from "../lib/patch.ts";

/** Lines of a change before the rest is folded. */
const FOLD_LINES = 14;
const SIGNS = { a: "+ ", d: "- ", c: "  ", h: "", n: "" } as const;
const NAMES = { a: "added", d: "removed", c: "", h: "", n: "" } as const;

/** A change as removed and added lines. The words that differ are marked. */
export function DiffView({ before, after }: { before: string; after: string }): ReactNode {
  const lines = useMemo(() => changeLines(before, after), [before, after]);
  const [isOpen, setOpen] = useState(false);
  if (lines.length === 0) return null;
  const shown = isOpen ? lines : lines.slice(0, FOLD_LINES);
  return (
    <div className="diff">
      {shown.map((line, index) => (
        <div key={index} className={line.kind}>
          <span aria-label={NAMES[line.kind]}>{SIGNS[line.kind]}</span>
          <LineText line={line} />
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

/** The number of lines that a change adds and removes: `+2 −1`. */
export function ChangeCount({ before, after }: { before: string; after: string }): ReactNode {
  const lines = useMemo(() => changeLines(before, after), [before, after]);
  const added = lines.filter((line) => line.kind === "a").length;
  const removed = lines.filter((line) => line.kind === "d").length;
  return (
    <span className="faint">
      {added > 0 && `+${added}`} {removed > 0 && `−${removed}`}
    </span>
  );
}
