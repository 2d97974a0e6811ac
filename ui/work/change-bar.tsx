import { useNavigate } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { canRetryHelp, changeCan } from "../../src/wire/change-states.ts";
import type { ChangeView } from "../../src/wire/work.ts";
import { useWhyNot } from "../kit/allowed.tsx";
import { Action, ActionButton, useAction } from "../kit/button.tsx";
import { TextBox } from "../kit/text-box.tsx";
import { UnsentNote, useNoteAsMessage } from "../kit/unsent-note.tsx";
import { call } from "../lib/api.ts";
import { short } from "../lib/approvals.ts";
import { changeName, stateWords } from "../lib/changes.ts";
import { useDraft } from "../lib/draft.ts";
import { knowChanges, useHive } from "../lib/store.ts";
import { changeNote, sending } from "../lib/unsent.ts";
import { queueOf, tipOf } from "./groups.ts";

/** A decision that has a note. */
const DECISIONS = {
  return: { button: "request changes…", verb: "request changes", ask: "what has to change? the agent reads this…" },
  deny: { button: "deny…", verb: "deny", ask: "why? the agent reads this…" },
  revert: { button: "revert…", verb: "revert", ask: "why? this becomes the description of the revert…" },
} as const;
type Decision = keyof typeof DECISIONS;
const isDecision = (value: string): value is Decision => Object.hasOwn(DECISIONS, value);

interface BarProps {
  change: ChangeView;
  /** The commit and the diff on the screen. Undefined if it is not the diff to decide on: then nothing can be approved. */
  seen: Pick<ChangeView, "sha" | "digest"> | undefined;
  /** Files that are approved without being shown whole. */
  unshown: readonly string[];
  /** Replaces the approve button while something has to be done first. */
  blocked?: ReactNode;
  /** Comments that are not sent yet. */
  drafts: number;
  children?: ReactNode;
}

/** The decisions on a change that its state allows. A note in progress stays whatever happens to the change. */
export function ChangeBar(props: BarProps): ReactNode {
  const why = useWhyNot("change_approve");
  if (why === undefined) return <Bar {...props} />;
  return (
    <div className="foot act">
      {props.children}
      <span className="dim small why-not">{why}</span>
    </div>
  );
}

function Bar({ change, seen, unshown, blocked, drafts, children }: BarProps): ReactNode {
  const { id } = change;
  const [note, setNote] = useDraft(changeNote(id));
  const [asked, setAsked] = useDraft(`change-decision:${id}`);
  // Focus moves to the note only after a press here. A note that was restored with the page does not take the focus.
  const [wasPressed, setPressed] = useState(false);
  const ask = (decision: Decision | ""): void => {
    setPressed(true);
    setAsked(decision);
  };
  if (isDecision(asked)) {
    return (
      <Decide
        key={asked}
        change={change}
        decision={asked}
        note={note}
        setNote={setNote}
        drafts={drafts}
        takesFocus={wasPressed}
        back={() => ask("")}
      />
    );
  }
  const can = (decision: Decision): boolean => changeCan(change, decision);
  const isOwn = change.agent === "operator";
  return (
    <div className="foot act" role="group" aria-label={`decide on change ${id}`}>
      {changeCan(change, "approve") &&
        (blocked || (
          // A question about one commit is not answered for the next.
          <Approve key={change.sha} change={change} seen={seen} unshown={unshown} drafts={drafts} send={() => ask("return")} />
        ))}
      <QueueButtons change={change} />
      {isOwn && changeCan(change, "withdraw") && (
        <Action kind="no" run={() => told(call("withdraw_change", { change: id }), "is withdrawn", change)}>
          withdraw
        </Action>
      )}
      {(Object.keys(DECISIONS) as Decision[])
        .filter((one) => can(one) && !(isOwn && one !== "revert"))
        .map((one) => (
          <button key={one} type="button" className={one === "return" ? one : `no ${one}`} onClick={() => ask(one)}>
            {one === "deny" && change.merges_at !== undefined ? "veto…" : DECISIONS[one].button}
            {one === "return" && drafts > 0 && ` (${drafts})`}
          </button>
        ))}
      {children}
    </div>
  );
}

/** Keeps the change of an answer, and returns what to tell. */
async function told(answer: Promise<object>, words: string, change: ChangeView): Promise<string> {
  const given = (await answer) as { change: ChangeView };
  // An agent's row lacks what only the operator sees.
  if ("seq" in given.change) knowChanges([given.change]);
  return `${changeName(change)} ${words}`;
}

type ApproveProps = Pick<BarProps, "change" | "seen" | "unshown" | "drafts"> & { send: () => void };

/** Approves what was shown. While comments are not sent, it asks first what to do with them. */
function Approve({ change, seen, unshown, drafts, send }: ApproveProps): ReactNode {
  const { id } = change;
  const [isAsking, setAsking] = useState(false);
  const approve = useAction(() =>
    told(
      call("change_approve", {
        change: id,
        ...(seen && { sha: seen.sha, digest: seen.digest }),
        ...(unshown.length === 0 ? {} : { unshown: [...unshown] }),
      }),
      "is approved",
      change,
    ),
  );
  const words = (
    <>
      ◆ <span aria-label="approve">APPR0VE</span> {short(seen?.sha)}
    </>
  );
  if (drafts === 0) {
    return (
      <ActionButton kind="go" className="approve" disabled={seen === undefined} action={approve}>
        {words}
      </ActionButton>
    );
  }
  if (!isAsking) {
    return (
      <button type="button" className="go approve" disabled={seen === undefined} onClick={() => setAsking(true)}>
        {words}
      </button>
    );
  }
  return (
    <div className="drafts-ask" role="group" aria-label="comments that are not sent">
      <span className="amber">{drafts === 1 ? "1 comment is not sent:" : `${drafts} comments are not sent:`}</span>
      <button type="button" autoFocus onClick={send}>
        send {drafts === 1 ? "it" : "them"}…
      </button>
      <ActionButton kind="go" disabled={seen === undefined} action={approve}>
        approve without
      </ActionButton>
      <button type="button" className="ghost" onClick={() => setAsking(false)}>
        back
      </button>
    </div>
  );
}

/** What can be done with the change's place in the merge queue. */
function QueueButtons({ change }: { change: ChangeView }): ReactNode {
  const { id } = change;
  const repo = useHive((state) => state.repos.get(change.repo));
  const queue = queueOf(repo, change.base);
  const tip = tipOf(repo, change.base);
  return (
    <>
      {changeCan(change, "retry") && (
        <Action
          className="retry"
          kind={canRetryHelp(change, tip) ? "go" : "ghost"}
          run={() => told(call("change_retry", { change: id }), "is in the queue again", change)}
        >
          try again
        </Action>
      )}
      {change.state === "queued" && queue?.waiting[0] !== id && (
        <Action run={() => told(call("change_to_front", { change: id }), "is the next one", change)}>to the front</Action>
      )}
      {changeCan(change, "dequeue") && (
        <Action run={() => told(call("change_dequeue", { change: id }), "is not approved any more", change)}>
          {change.state === "queued" ? "remove from the queue" : "close the pull request"}
        </Action>
      )}
    </>
  );
}

interface DecideProps {
  change: ChangeView;
  decision: Decision;
  note: string;
  setNote: (next: string) => void;
  drafts: number;
  takesFocus: boolean;
  back: () => void;
}

/** The note of a decision, and the button that sends it. */
function Decide({ change, decision, note, setNote, drafts, takesFocus, back }: DecideProps): ReactNode {
  const { id, agent } = change;
  const { verb, ask } = DECISIONS[decision];
  const navigate = useNavigate();
  const isOver = !changeCan(change, decision);
  const words = note.trim();
  const send = async (): Promise<string> => {
    const input = { change: id, ...(words === "" ? {} : { note: words }) };
    const name = changeName(change);
    if (decision === "revert") {
      const { change: fresh } = await call("change_revert", input);
      knowChanges([fresh]);
      await navigate({ to: "/change/$id", params: { id: String(fresh.id) } });
      return `the revert of ${name} waits for you`;
    }
    const { change: now } = await (decision === "return" ? call("change_return", input) : call("change_deny", input));
    knowChanges([now]);
    return decision === "return" ? `${agent} is asked to change ${name}` : `${name} is denied`;
  };
  const decide = useAction(
    async () => {
      let done = "";
      await sending(changeNote(id), async () => {
        done = await send();
      });
      setNote("");
      back();
      return done;
    },
    decision !== "return" || words !== "" || drafts > 0,
  );
  const clear = (): void => {
    setNote("");
    back();
  };
  const write = useNoteAsMessage(agent, note, clear);
  return (
    <div className="foot act" role="group" aria-label={`${verb} change ${id}`}>
      <TextBox
        rows={2}
        value={note}
        autoFocus={takesFocus}
        aria-label={`note on change ${id}`}
        placeholder={ask}
        onText={setNote}
        onEnter={() => {
          // With an empty note, only the button decides, never a stray Enter.
          if (words !== "") (isOver ? write : decide).act();
        }}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.preventDefault();
          back();
        }}
      />
      {isOver ? (
        <UnsentNote to={agent} note={note} words={stateWords(change)} write={write} clear={clear} />
      ) : (
        <>
          <ActionButton
            kind={decision === "return" ? "go" : "no"}
            disabled={decision === "return" && words === "" && drafts === 0}
            action={decide}
          >
            {decision === "return" && drafts > 0 ? `send ${drafts === 1 ? "1 comment" : `${drafts} comments`}` : verb}
          </ActionButton>
          <button type="button" className="ghost" onClick={back}>
            back
          </button>
        </>
      )}
    </div>
  );
}
