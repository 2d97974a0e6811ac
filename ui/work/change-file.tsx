import { memo, useMemo, useState, type ReactNode } from "react";
import type { DiffFile } from "../../src/wire/approval.ts";
import type { CommentView } from "../../src/wire/work.ts";
import { FileDiff, fileId, type PatchPart } from "../diff/file.tsx";
import type { DiffMode } from "../diff/lines.tsx";
import { placeKey } from "../diff/place.ts";
import { hasDraft, useDraft } from "../lib/draft.ts";
import type { CommentActs } from "./comment.tsx";
import { openOnes } from "./comments.ts";
import { lineNotes, type NewPlace } from "./line-notes.tsx";

interface ChangeFileProps {
  /** The change, for the drafts of this tab. */
  id: number;
  file: DiffFile;
  diff: string;
  comments: readonly CommentView[];
  acts: CommentActs;
  isAgainstMergeBase: boolean;
  canComment: boolean;
  mode: DiffMode;
  isOpen: boolean;
  onToggle: (path: string) => void;
  read: (path: string, after: number) => Promise<PatchPart>;
  onWhole: (path: string) => void;
}

/** A file of a change with the comments on its lines. Typed text and its line survive a reload. */
export const ChangeFile = memo(function ChangeFile(props: ChangeFileProps): ReactNode {
  const { id, file, comments, acts, isAgainstMergeBase, canComment } = props;
  const { path } = file;
  const draftKey = `comment:${id}:${path}`;
  const [at, setAt] = useDraft(`comment-at:${id}:${path}`);
  const [focusToken, setFocusToken] = useState(0);
  const notes = useMemo(() => {
    const open = at === "" ? undefined : (JSON.parse(at) as NewPlace);
    const begin = (place: NewPlace): void => {
      // A text that is being written stays at its line.
      if (open === undefined || !hasDraft(draftKey)) setAt(JSON.stringify(place));
      setFocusToken((n) => n + 1);
    };
    const close = (): void => {
      setAt("");
      // The box has the focus and is removed: its line takes it.
      const key = open && placeKey(open);
      requestAnimationFrame(() =>
        document.getElementById(fileId(path))?.querySelector<HTMLElement>(`[data-place="${key}"]`)?.focus(),
      );
    };
    return lineNotes({ path, comments, acts, isAgainstMergeBase, canComment, open, draftKey, focusToken, begin, close });
  }, [path, comments, acts, isAgainstMergeBase, canComment, at, draftKey, focusToken, setAt]);
  const count = openOnes(comments);
  const { diff, mode, isOpen, onToggle, read, onWhole } = props;
  return (
    <FileDiff file={file} diff={diff} mode={mode} isOpen={isOpen} onToggle={onToggle} read={read} onWhole={onWhole} notes={notes}>
      {count > 0 && <span className="chip amber">{count === 1 ? "1 comment" : `${count} comments`}</span>}
    </FileDiff>
  );
});
