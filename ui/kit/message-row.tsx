import { memo, type ReactNode } from "react";
import type { MessageView } from "../../src/wire/message.ts";
import { messageById } from "../lib/state.ts";
import { useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";
import { MessageBody } from "./message-body.tsx";
import { OpenLink } from "./open-link.tsx";
import { Who } from "./text.tsx";
import { Clock } from "./time.tsx";

const STATES: Record<MessageView["state"], { words: string; colour: string }> = {
  queued: { words: "queued", colour: "dim" },
  leased: { words: "in turn", colour: "amber" },
  done: { words: "done", colour: "green" },
  dead: { words: "dead", colour: "red" },
  dropped: { words: "dropped", colour: "faint" },
  held: { words: "held", colour: "amber" },
};

/** The state of a message in a word. */
export function deliveryOf(message: MessageView): { words: string; colour: string } {
  return message.state === "queued" && message.redelivered ? { words: "returned", colour: "amber" } : STATES[message.state];
}

interface RowProps {
  message: MessageView;
  /** The row above. An answer to it needs no quotation. */
  previous?: MessageView | undefined;
  /** Search words to mark. */
  marks?: string | undefined;
}

/** A message: time, sender, recipient, state, the message that it answers, and its text. */
export const MessageRow = memo(function MessageRow({ message, previous, marks }: RowProps): ReactNode {
  const { words, colour } = deliveryOf(message);
  const reply = message.in_reply_to;
  return (
    <article className={`msg ${reply === undefined ? "" : "re"}`} id={`m${message.id}`}>
      <span className="faint">
        <Clock at={message.created_at} />
      </span>
      <span>
        <Who name={message.from} />
        {message.operator !== undefined && <span className="amber">/{visible(message.operator)}</span>}{" "}
        <span className="faint">→</span> <Who name={message.to} />
        {reply !== undefined && <Quoted id={reply} isAbove={previous?.id === reply} />}
      </span>
      <OpenLink
        open={`thread:${message.id}`}
        className={`delivery ${colour}`}
        title={message.reason === undefined ? `message ${message.id}: its thread` : visible(message.reason)}
      >
        {words}
      </OpenLink>
      <div className="b">
        <MessageBody message={message} marks={marks} />
      </div>
    </article>
  );
});

/** The first words of the answered message. A click opens the thread. */
function Quoted({ id, isAbove }: { id: number; isAbove: boolean }): ReactNode {
  const parent = useHive((state) => messageById(state, id));
  const quote = !isAbove && parent?.body !== undefined ? `${parent.from}: ${parent.body.slice(0, 80)}` : undefined;
  return (
    <OpenLink open={`thread:${id}`} className="faint ref">
      {" "}
      <span aria-hidden="true">↰ </span>
      <span className="sr">answers message {quote === undefined ? "" : `${id}, `}</span>
      {quote === undefined ? id : visible(quote)}
    </OpenLink>
  );
}
