import { requestCan } from "../../src/wire/request-states.ts";
import { useState, type ReactNode } from "react";
import type { ApprovalView } from "../../src/wire/approval.ts";
import { Allowed, useWhyNot } from "../kit/allowed.tsx";
import { Action, ActionButton, useAction } from "../kit/button.tsx";
import { TextBox } from "../kit/text-box.tsx";
import { UnsentNote, useNoteAsMessage } from "../kit/unsent-note.tsx";
import { call } from "../lib/api.ts";
import { STATE_WORDS, short } from "../lib/approvals.ts";
import { useDraft } from "../lib/draft.ts";
import { useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";
import { denyDraft, sending } from "../lib/unsent.ts";

interface BarProps {
  approval: ApprovalView;
  /** The digest of what is on the screen. Undefined until something is shown, and then nothing can be approved. */
  digest: string | undefined;
  /** Files that are approved without being shown whole: only those that the operator accepted by name. */
  unshown?: readonly string[];
  /** Replaces the approve button while something has to be done first. */
  blocked?: ReactNode;
  /** Replaces the bar while nothing can be decided. A note in progress stays. */
  instead?: ReactNode;
  children?: ReactNode;
}

/**
 * ◆ APPR0VE with the sha that will run, and deny with a note. An approval covers only what was shown. If the request is
 * decided elsewhere while the note has text, the text stays until it is sent as a message or discarded.
 */
export function ApproveBar(props: BarProps): ReactNode {
  const why = useWhyNot("approve");
  // The daemon refuses it, too. A mark is enough to say so before.
  const needsAdmin = useWhyNot("repo_add");
  const isMount = props.approval.risks.some(({ kind }) => kind === "mount");
  const blocked = isMount && needsAdmin !== undefined && (
    <span className="dim small why-not">It adds a folder of the host. {needsAdmin}</span>
  );
  if (why === undefined) return <Decide {...props} blocked={blocked || props.blocked} />;
  if (!requestCan(props.approval, "approve")) return null;
  return (
    <div className="foot act">
      {props.children}
      <span className="dim small why-not">{why}</span>
    </div>
  );
}

function Decide({ approval, digest, unshown = [], blocked, instead, children }: BarProps): ReactNode {
  const { id, agent, sha } = approval;
  const [note, setNote] = useDraft(denyDraft(id));
  const [isDenying, setDenying] = useState(note !== "");
  const isOver = !requestCan(approval, "approve");
  // Focus moves to the note only after a press here. A note that was restored with the page does not take the focus.
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
  const write = useNoteAsMessage(asker, note, () => setNote(""));
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
            // With an empty note, only the button denies, never a stray Enter.
            if (note.trim() !== "") (isOver ? write : deny).act();
          }}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            event.preventDefault();
            turn(false);
          }}
        />
        {isOver ? (
          <UnsentNote to={asker} note={note} words={STATE_WORDS[approval.state].words} write={write} clear={() => setNote("")} />
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
      <Allowed to="deny">
        <button type="button" className="no deny" autoFocus={wasPressed} onClick={() => turn(true)}>
          deny…
        </button>
      </Allowed>
      {children}
      {isBusy && <span className="dim wide when">runs when {visible(agent)}'s turn ends</span>}
    </div>
  );
}
