import { useState, type ReactNode } from "react";
import { isOperator } from "../../src/wire/roles.ts";
import type { CommentView } from "../../src/wire/work.ts";
import { Allowed } from "../kit/allowed.tsx";
import { Action } from "../kit/button.tsx";
import { Folded } from "../kit/folded.tsx";
import { Prose } from "../kit/prose.tsx";
import { Who, Words } from "../kit/text.tsx";
import { Age } from "../kit/time.tsx";
import { visible } from "../lib/text.ts";

/** What can be done with comments. */
export interface CommentActs {
  /** Keeps a new one as a draft on the server: on a line, or without a place on the whole change. */
  keep: (text: string, place?: { path: string; line: number; side: "new" | "old"; quote: string }) => Promise<void>;
  drop: (comment: CommentView) => Promise<void>;
  resolve: (comment: CommentView, resolved: boolean) => Promise<void>;
}

interface CommentProps {
  comment: CommentView;
  acts: CommentActs;
  /** True where the line is not next to the comment: the comment then quotes it. */
  isApart?: boolean;
}

const PLACE_WORDS = { new: "line", old: "removed line" } as const;

/** Where a comment belongs, in words. */
function placeWords({ path, line, side }: CommentView): string {
  const file = path === undefined ? "" : visible(path);
  return line === undefined ? file : `${file} ${PLACE_WORDS[side ?? "new"]} ${line}`;
}

/** A comment with its state, its answer, and what the operator can do with it. A resolved one is folded. */
export function Comment({ comment, acts, isApart = false }: CommentProps): ReactNode {
  const { author, state, outdated, quote, text, answer, round } = comment;
  const isResolved = state === "resolved";
  const [isOpen, setOpen] = useState(false);
  const isFolded = isResolved && !isOpen;
  const place = isApart ? placeWords(comment) : "";
  return (
    <article className={`comment is-${state}`} aria-label={visible(`comment of ${author} ${placeWords(comment)}`)}>
      <header>
        <Who name={author} />
        {state === "draft" && <span className="amber">draft, not sent</span>}
        {isResolved && <span className="green">resolved</span>}
        {outdated && <span className="chip">outdated, round {round}</span>}
        <span className="faint">
          <Age since={comment.at} /> ago
        </span>
        {place !== "" && <span className="dim">{place}</span>}
        <span className="grow" />
        {isResolved && (
          <button type="button" className="ghost" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {isOpen ? "fold" : "show"}
          </button>
        )}
        {state === "draft" && (
          <Allowed to="change_comment_drop">
            <Action kind="ghost" run={() => acts.drop(comment)}>
              drop
            </Action>
          </Allowed>
        )}
        <Allowed to="change_comment_resolve">
          {state === "open" && (
            <Action kind="ghost" run={() => acts.resolve(comment, true)}>
              resolve
            </Action>
          )}
          {isResolved && isOpen && (
            <Action kind="ghost" run={() => acts.resolve(comment, false)}>
              open again
            </Action>
          )}
        </Allowed>
      </header>
      {!isFolded && (
        <>
          {(isApart || outdated) && quote !== undefined && quote !== "" && <pre className="quote">{visible(quote)}</pre>}
          <Said by={author} text={text} />
          {answer !== undefined && answer !== "" && (
            <div className="answer">
              <span className="mauve">answer</span>
              <Said by="agent" text={answer} />
            </div>
          )}
        </>
      )}
    </article>
  );
}

/** What the operator types is shown as typed; what an agent writes is Markdown. */
function Said({ by, text }: { by: string; text: string }): ReactNode {
  return (
    <div className="body">
      <Folded text={text}>{(shown) => (isOperator(by) ? <Words text={shown} /> : <Prose text={shown} />)}</Folded>
    </div>
  );
}
