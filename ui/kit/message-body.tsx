import type { ReactNode } from "react";
import { systemWords } from "../../src/wire/system-event.ts";
import { Folded } from "./folded.tsx";
import { Marked, Words } from "./text.tsx";

interface BodyProps {
  from: string;
  /** Undefined after retention has removed it. */
  body: string | undefined;
  /** Search words to mark. */
  marks?: string | undefined;
}

/** A message's text, folded if it is long. An event of the daemon is put into words. */
export function MessageBody({ from, body, marks }: BodyProps): ReactNode {
  if (body === undefined) return <span className="faint">(removed by retention)</span>;
  const words = systemWords(from, body);
  if (words !== undefined)
    return (
      <span className="dim body">
        <Words text={words} />
      </span>
    );
  return (
    <div className="body">
      <Folded text={body}>
        {(shown) => (marks === undefined ? <Words text={shown} /> : <Marked text={shown} words={marks} />)}
      </Folded>
    </div>
  );
}
