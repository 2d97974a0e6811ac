import { useState, type ReactNode } from "react";
import { Words } from "./text.tsx";

/** Characters and lines of a text before the rest is folded. */
const FOLD_CHARS = 600;
const FOLD_LINES = 8;

interface FoldedProps {
  text: string;
  startsOpen?: boolean;
  children: (shown: string) => ReactNode;
}

/** A text. If it is long, only its beginning, and a button that expands it. */
export function Folded({ text, startsOpen = false, children }: FoldedProps): ReactNode {
  const [isOpen, setOpen] = useState(startsOpen);
  const lines = text.split("\n");
  const isLong = text.length > FOLD_CHARS || lines.length > FOLD_LINES;
  return (
    <>
      {children(isLong && !isOpen ? lines.slice(0, FOLD_LINES).join("\n").slice(0, FOLD_CHARS) : text)}
      {isLong && (
        <button type="button" className="ghost" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? "fold" : `… ${text.length} characters`}
        </button>
      )}
    </>
  );
}

/** The words of a program that failed, folded like any other text. */
export function FoldedError({ text }: { text: string }): ReactNode {
  return (
    <Folded text={text}>
      {(shown) => (
        <pre className="error-text">
          <Words text={shown} />
        </pre>
      )}
    </Folded>
  );
}
