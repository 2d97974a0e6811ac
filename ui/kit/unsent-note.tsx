import type { ReactNode } from "react";
import { call } from "../lib/api.ts";
import { isOperator } from "../../src/wire/roles.ts";
import { visible } from "../lib/text.ts";
import { ActionButton, useAction, type Act } from "./button.tsx";

/** Sends a note that can no longer be part of a decision, as a message to the agent. */
export function useNoteAsMessage(to: string, note: string, clear: () => void): Act {
  return useAction(
    async () => {
      await call("send", { to, body: note.trim() });
      clear();
      return `sent to ${visible(to)} as a message`;
    },
    !isOperator(to) && note.trim() !== "",
  );
}

interface UnsentProps {
  to: string;
  note: string;
  /** How it was decided elsewhere. */
  words: string;
  write: Act;
  clear: () => void;
}

/** Offers to send or discard a note to something that was decided elsewhere. */
export function UnsentNote({ to, note, words, write, clear }: UnsentProps): ReactNode {
  return (
    <>
      {!isOperator(to) && (
        <ActionButton kind="go" disabled={note.trim() === ""} action={write}>
          send as a message
        </ActionButton>
      )}
      <button type="button" className="ghost" onClick={clear}>
        discard
      </button>
      <span className="amber small">{words}; your note was not sent</span>
    </>
  );
}
