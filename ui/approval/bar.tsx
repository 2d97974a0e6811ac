import { useState, type ReactNode } from "react";
import type { ApprovalView } from "../../src/wire/approval.ts";
import { Action } from "../kit/button.tsx";
import { call } from "../lib/api.ts";
import { short } from "../lib/approvals.ts";
import { useDraft } from "../lib/draft.ts";
import { useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";

interface BarProps {
  approval: ApprovalView;
  /** The digest of what is on the screen; undefined while nothing is shown yet, and then nothing can be approved. */
  digest: string | undefined;
  children?: ReactNode;
}

/** ◆ APPR0VE with the sha that will run, and deny with a note. An approval holds for what was looked at, only. */
export function ApproveBar({ approval, digest, children }: BarProps): ReactNode {
  const { id, agent, sha } = approval;
  const [note, setNote] = useDraft(`deny:${id}`);
  const [isDenying, setDenying] = useState(note !== "");
  const isBusy = useHive((state) => state.agents.get(agent)?.state === "thinking");
  if (isDenying) {
    return (
      <div className="foot act" role="group" aria-label={`deny request ${id}`}>
        <textarea
          rows={2}
          value={note}
          autoFocus
          aria-label={`note to whoever asked for ${id}`}
          placeholder="why not? who asked will read this…"
          onChange={(event) => setNote(event.target.value)}
          onKeyDown={(event) => event.key === "Escape" && setDenying(false)}
        />
        <Action
          kind="no"
          run={async () => {
            await call("deny", { id, ...(note.trim() === "" ? {} : { note: note.trim() }) });
            setNote("");
            return `request ${id} is denied`;
          }}
        >
          deny
        </Action>
        <button type="button" className="ghost" onClick={() => setDenying(false)}>
          back
        </button>
      </div>
    );
  }
  return (
    <div className="foot act" role="group" aria-label={`decide on request ${id}`}>
      <Action
        kind="go"
        className="approve"
        disabled={digest === undefined}
        run={async () => {
          await call("approve", { id, ...(sha === undefined ? {} : { sha }), ...(digest === undefined ? {} : { digest }) });
          return `request ${id} is approved`;
        }}
      >
        ◆ <span aria-label="approve">APPR0VE</span> {short(sha)}
      </Action>
      <button type="button" className="no deny" onClick={() => setDenying(true)}>
        deny…
      </button>
      {children}
      {isBusy && <span className="dim wide when">runs when {visible(agent)}'s turn ends</span>}
    </div>
  );
}
