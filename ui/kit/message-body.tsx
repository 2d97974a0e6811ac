import { useState, type ReactNode } from "react";
import { systemWords } from "../../src/wire/system-event.ts";
import { Marked, Words } from "./text.tsx";

/** Characters and lines of a body that are shown before it is folded. */
const FOLD_CHARS = 600;
const FOLD_LINES = 8;

interface BodyProps {
  from: string;
  /** Undefined once retention has removed it. */
  body: string | undefined;
  /** Words of a search, to be marked. */
  marks?: string | undefined;
}

/** A message's text: whole when it is short, folded when it is long; what the daemon tells, in words. */
export function MessageBody({ from, body, marks }: BodyProps): ReactNode {
  const [isOpen, setOpen] = useState(false);
  if (body === undefined) return <span className="faint">(removed by retention)</span>;
  const words = systemWords(from, body);
  if (words !== undefined)
    return (
      <span className="dim body">
        <Words text={words} />
      </span>
    );
  const lines = body.split("\n");
  const isLong = body.length > FOLD_CHARS || lines.length > FOLD_LINES;
  const shown = isLong && !isOpen ? lines.slice(0, FOLD_LINES).join("\n").slice(0, FOLD_CHARS) : body;
  return (
    <div className="body">
      {marks === undefined ? <Words text={shown} /> : <Marked text={shown} words={marks} />}
      {isLong && (
        <button type="button" className="ghost" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? "fold" : `… ${body.length} characters`}
        </button>
      )}
    </div>
  );
}
