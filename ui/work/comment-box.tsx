import { useEffect, useRef, type ReactNode } from "react";
import { ActionButton, useAction } from "../kit/button.tsx";
import { TextBox } from "../kit/text-box.tsx";
import { useDraft } from "../lib/draft.ts";
import { visible } from "../lib/text.ts";

interface BoxProps {
  /** What the comment is on: `line 12`. */
  on: string;
  /** The key under which typed text survives a reload. */
  draftKey: string;
  /** Keeps the comment as a draft on the server. */
  keep: (text: string) => Promise<void>;
  /** Closes the box. The text stays for the next time. */
  close: () => void;
  /** Takes the focus when it changes. */
  focusToken?: number;
}

/** The box of a new comment. Comments are drafts until the change is sent back. */
export function CommentBox({ on, draftKey, keep, close, focusToken = 0 }: BoxProps): ReactNode {
  const box = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useDraft(draftKey);
  const keeping = useAction(async () => {
    await keep(text.trim());
    setText("");
    close();
  }, text.trim() !== "");
  useEffect(() => {
    // A box that was restored with the page does not take the focus.
    if (focusToken <= 0) return;
    box.current?.focus();
    // On a phone the bar may lie over the line that was pressed.
    box.current?.closest(".comment-box")?.scrollIntoView({ block: "center" });
  }, [focusToken]);
  return (
    <div className="comment-box" role="group" aria-label={visible(`comment on ${on}`)}>
      <TextBox
        box={box}
        rows={2}
        value={text}
        aria-label={visible(`comment on ${on}`)}
        placeholder={`comment on ${visible(on)}…`}
        onText={setText}
        onEnter={keeping.act}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.preventDefault();
          close();
        }}
      />
      <div className="foot">
        <ActionButton kind="go" disabled={text.trim() === ""} action={keeping}>
          keep as a draft
        </ActionButton>
        <button type="button" className="ghost" onClick={close}>
          close
        </button>
      </div>
    </div>
  );
}
