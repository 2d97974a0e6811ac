import type { ReactNode } from "react";
import type { CommentView } from "../../src/wire/work.ts";
import type { LineNotes } from "../diff/lines.tsx";
import { placeKey, type Place } from "../diff/place.ts";
import { CommentBox } from "./comment-box.tsx";
import { Comment, type CommentActs } from "./comment.tsx";
import { keyOf } from "./comments.ts";

/** The line of a comment that is being written, and its text then. */
export type NewPlace = Place & { quote: string };

interface NotesInput {
  path: string;
  comments: readonly CommentView[];
  acts: CommentActs;
  isAgainstMergeBase: boolean;
  /** False once the change has ended: no comment can be added. */
  canComment: boolean;
  /** The line of the open box. */
  open: NewPlace | undefined;
  /** The key of the text in the box. */
  draftKey: string;
  focusToken: number;
  begin: (place: NewPlace) => void;
  close: () => void;
}

const NONE: readonly CommentView[] = [];

/** The comments on the lines of a file, and the box of a new one under its line. */
export function lineNotes(input: NotesInput): LineNotes {
  const { comments, isAgainstMergeBase, canComment, begin } = input;
  const byKey = Map.groupBy(comments, (one) => keyOf(one, isAgainstMergeBase) ?? "");
  const open = input.open && canComment ? placeKey(input.open) : undefined;
  return {
    can: (place) => canComment && (isAgainstMergeBase || place.side === "new"),
    begin: (place, quote) => begin({ ...place, quote }),
    under: (place) => {
      const key = placeKey(place);
      return thread(input, byKey.get(key) ?? NONE, key === open, false);
    },
    above: (drawn) => {
      const apart = [...byKey].flatMap(([key, list]) => (drawn.has(key) ? NONE : list));
      return thread(input, apart, open !== undefined && !drawn.has(open), true);
    },
  };
}

/** Comments under a line, or `isApart` from their lines. Undefined if there is nothing to draw. */
function thread(
  { path, acts, open, draftKey, focusToken, close }: NotesInput,
  comments: readonly CommentView[],
  hasBox: boolean,
  isApart: boolean,
): ReactNode {
  if (comments.length === 0 && !hasBox) return undefined;
  return (
    <div className="thread-of-line">
      {comments.map((one) => (
        <Comment key={one.id} comment={one} acts={acts} isApart={isApart} />
      ))}
      {hasBox && open && (
        <CommentBox
          on={`${open.side === "old" ? "removed line" : "line"} ${open.line}`}
          draftKey={draftKey}
          focusToken={focusToken}
          close={close}
          keep={(text) => acts.keep(text, { path, ...open })}
        />
      )}
    </div>
  );
}
