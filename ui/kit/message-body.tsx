import { useState, type ReactNode } from "react";
import { Marked, Words } from "./text.tsx";

/** Characters and lines of a body that are shown before it is folded. */
const FOLD_CHARS = 600;
const FOLD_LINES = 8;

/** A message's text: whole when it is short, folded when it is long. */
export function MessageBody({ body, marks }: { body: string | undefined; marks?: string | undefined }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  if (body === undefined) return <span className="faint">(removed by retention)</span>;
  const event = systemEvent(body);
  if (event) return <span className="dim body">{event}</span>;
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

/** `container_crash scout: exit 137`: what the daemon tells the manager, in one line. */
function systemEvent(body: string): ReactNode {
  if (!body.startsWith('{"event":')) return undefined;
  try {
    const { event, ...rest } = JSON.parse(body) as Record<string, unknown>;
    const details = Object.entries(rest).map(
      ([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`,
    );
    return <Words text={[String(event), ...details].join(" · ")} />;
  } catch {
    return undefined;
  }
}
