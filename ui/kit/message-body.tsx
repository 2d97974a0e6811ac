import { useState, type ReactNode } from "react";
import type { MessageView } from "../../src/wire/message.ts";
import { systemWords } from "../../src/wire/system-event.ts";
import { call } from "../lib/api.ts";
import { Action } from "./button.tsx";
import { Folded } from "./folded.tsx";
import { Prose } from "./prose.tsx";
import { Marked, Words } from "./text.tsx";

interface BodyProps {
  /** A message, or the sender and the whole text of one. The body is undefined after retention has removed it. */
  message: Pick<MessageView, "from" | "cut" | "body_bytes"> & { id?: number; body?: string | undefined };
  /** Search words to mark. */
  marks?: string | undefined;
}

/**
 * A message's text, folded if it is long. What an agent writes is Markdown; what the operator types and what a search
 * finds are shown as written. The page has only the beginning of a very long one and fetches the whole on request. An
 * event of the daemon is put into words.
 */
export function MessageBody({ message, marks }: BodyProps): ReactNode {
  const [whole, setWhole] = useState<string>();
  const { from, id } = message;
  const body = whole ?? message.body;
  if (body === undefined) return <span className="faint">(removed by retention)</span>;
  const isCut = message.cut === true && id !== undefined && whole === undefined;
  const words = systemWords(from, body);
  if (words !== undefined)
    return (
      <span className="dim body">
        <Words text={words} />
      </span>
    );
  return (
    <div className="body">
      <Folded key={whole === undefined ? "beginning" : "whole"} text={body} startsOpen={whole !== undefined}>
        {(shown) => {
          if (marks !== undefined) return <Marked text={shown} words={marks} />;
          return from === "operator" ? <Words text={shown} /> : <Prose text={shown} />;
        }}
      </Folded>
      {isCut && (
        <Action
          kind="ghost"
          title={`the page has the beginning of message ${id}`}
          run={async () => setWhole((await call("message", { id })).message.body)}
        >
          show all {message.body_bytes ?? ""} bytes
        </Action>
      )}
    </div>
  );
}
