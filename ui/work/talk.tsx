import { useState, type ReactNode } from "react";
import type { CommentView } from "../../src/wire/work.ts";
import { hasDraft } from "../lib/draft.ts";
import { CommentBox } from "./comment-box.tsx";
import { Comment, type CommentActs } from "./comment.tsx";

interface TalkProps {
  id: number;
  /** Comments on the whole change, and on files that the diff does not have. */
  comments: readonly CommentView[];
  acts: CommentActs;
  canComment: boolean;
}

/** Comments on the whole change. */
export function Talk({ id, comments, acts, canComment }: TalkProps): ReactNode {
  const draftKey = `comment:${id}`;
  const [isOpen, setOpen] = useState(() => hasDraft(draftKey));
  const [focusToken, setFocusToken] = useState(0);
  if (comments.length === 0 && !canComment) return null;
  const open = (): void => {
    setOpen(true);
    setFocusToken((n) => n + 1);
  };
  return (
    <section className="talk" aria-label="comments on the whole change">
      {comments.map((one) => (
        <Comment key={one.id} comment={one} acts={acts} isApart />
      ))}
      {canComment && isOpen && (
        <CommentBox
          on="the whole change"
          draftKey={draftKey}
          keep={(text) => acts.keep(text)}
          close={() => setOpen(false)}
          focusToken={focusToken}
        />
      )}
      {canComment && !isOpen && (
        <p className="small">
          <button type="button" className="ghost begin" onClick={open}>
            comment on the whole change…
          </button>{" "}
          <span className="faint">or press a line of the diff</span>
        </p>
      )}
    </section>
  );
}
