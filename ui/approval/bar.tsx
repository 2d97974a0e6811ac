import { requestCan } from "../../src/wire/request-states.ts";
import { useState, type ReactNode } from "react";
import type { ApprovalView } from "../../src/wire/approval.ts";
import { Action, ActionButton, useAction, type Act } from "../kit/button.tsx";
import { TextBox } from "../kit/text-box.tsx";
import { call } from "../lib/api.ts";
import { STATE_WORDS, short } from "../lib/approvals.ts";
import { useDraft } from "../lib/draft.ts";
import { useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";
import { denyDraft, sending } from "../lib/unsent.ts";

interface BarProps {
  approval: ApprovalView;
  /** The digest of what is on the screen; undefined while nothing is shown yet, and then nothing can be approved. */
  digest: string | undefined;
  /** Files that are approved without being shown whole: only what the operator has taken by name. */
  unshown?: readonly string[];
  /** What stands in the place of the approval while there is something to do before it. */
  blocked?: ReactNode;
  /** What stands here while nothing can be decided; a note that is being written stays. */
  instead?: ReactNode;
  children?: ReactNode;
}

/**
 * ◆ APPR0VE with the sha that will run, and deny with a note. An approval holds for what was looked at, only. When the
 * request is decided elsewhere while words are in the note, they stay until they are sent as a message or thrown away.
 */
export function ApproveBar({ approval, digest, unshown = [], blocked, instead, children }: BarProps): ReactNode {
  const { id, agent, sha } = approval;
  const [note, setNote] = useDraft(denyDraft(id));
  const [isDenying, setDenying] = useState(note !== "");
  const isOver = !requestCan(approval, "approve");
  // The keyboard follows what was pressed here; a note that was there when the page came does not draw it to itself.
  const [wasPressed, setPressed] = useState(false);
  const turn = (toDenying: boolean): void => {
    setPressed(true);
    setDenying(toDenying);
  };
  const isBusy = useHive((state) => state.agents.get(agent)?.state === "thinking");
  const deny = useAction(async () => {
    await sending(denyDraft(id), () => call("deny", { id, ...(note.trim() === "" ? {} : { note: note.trim() }) }));
    setNote("");
    return `request ${id} is denied`;
  });
  const { requested_by: asker } = approval;
  const write = useAction(
    async () => {
      await call("send", { to: asker, body: note.trim() });
      setNote("");
      return `sent to ${visible(asker)} as a message`;
    },
    asker !== "operator" && note.trim() !== "",
  );
  if (isDenying) {
    return (
      <div className="foot act" role="group" aria-label={`deny request ${id}`}>
        <TextBox
          rows={2}
          value={note}
          autoFocus={wasPressed}
          aria-label={`note on request ${id}`}
          placeholder="why? the requester reads this…"
          onText={setNote}
          onEnter={() => {
            // An empty note is a press of the button, never a stray key.
            if (note.trim() !== "") (isOver ? write : deny).act();
          }}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            event.preventDefault();
            turn(false);
          }}
        />
        {isOver ? (
          <Unsent approval={approval} note={note} write={write} clear={() => setNote("")} />
        ) : (
          <>
            <ActionButton kind="no" action={deny}>
              deny
            </ActionButton>
            <button type="button" className="ghost" onClick={() => turn(false)}>
              back
            </button>
          </>
        )}
      </div>
    );
  }
  if (isOver) return null;
  if (instead) return <div className="foot act">{instead}</div>;
  return (
    <div className="foot act" role="group" aria-label={`decide on request ${id}`}>
      {blocked || (
        <Action
          kind="go"
          className="approve"
          disabled={digest === undefined}
          run={async () => {
            const looked = { ...(sha === undefined ? {} : { sha }), ...(digest === undefined ? {} : { digest }) };
            await call("approve", { id, ...looked, ...(unshown.length === 0 ? {} : { unshown: [...unshown] }) });
            return `request ${id} is approved`;
          }}
        >
          ◆ <span aria-label="approve">APPR0VE</span> {short(sha)}
        </Action>
      )}
      <button type="button" className="no deny" autoFocus={wasPressed} onClick={() => turn(true)}>
        deny…
      </button>
      {children}
      {isBusy && <span className="dim wide when">runs when {visible(agent)}'s turn ends</span>}
    </div>
  );
}

/** What can be done with the note to a request that was decided elsewhere. */
function Unsent({
  approval: { state, requested_by: to },
  note,
  write,
  clear,
}: {
  approval: ApprovalView;
  note: string;
  write: Act;
  clear: () => void;
}): ReactNode {
  return (
    <>
      {to !== "operator" && (
        <ActionButton kind="go" disabled={note.trim() === ""} action={write}>
          send as a message
        </ActionButton>
      )}
      <button type="button" className="ghost" onClick={clear}>
        discard
      </button>
      <span className="amber small">{STATE_WORDS[state].words}; your note was not sent</span>
    </>
  );
}
