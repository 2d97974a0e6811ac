import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { ApiError } from "../lib/api.ts";
import { visible } from "../lib/text.ts";
import { AttachButton, AttachmentList, useAttachments } from "./attachments.tsx";
import { useWhyNot } from "./allowed.tsx";
import { TextBox } from "./text-box.tsx";

/** A suggestion in the list above the box. */
export interface Suggestion {
  /** The text that it inserts. */
  text: string;
  label: string;
  hint?: string;
}

/** A text that is being sent. The box is free for the next one. */
interface Sending {
  id: string;
  text: string;
}

interface ComposeProps {
  /** The key under which typed text survives a reload. */
  draftKey: string;
  lead: ReactNode;
  label: string;
  placeholder: string;
  /** Suggestions for the text typed so far. */
  suggest: (text: string) => Suggestion[];
  /** Sends a file that is dropped, pasted or chosen, and returns its path there. Without it the box takes none. */
  attach?: (file: File) => Promise<string>;
  /**
   * Sends under this key. Sending the same text again after a failure uses the same key, so that it is stored once. A
   * refusal restores the text to the box.
   */
  send: (text: string, clientId: string, files: readonly string[]) => Promise<void>;
  /** Focuses the box when it changes. */
  focusToken?: number;
  /** Takes the focus on mount, on a desktop and if nothing else has it. */
  takesFocus?: boolean;
}

/** An on-screen keyboard would cover half of the page before anything was read. */
const hasOwnKeyboard = (): boolean => matchMedia("(min-width: 901px) and (hover: hover)").matches;

/** A text box to write in, or the reason why who is logged in has none. */
export function Compose(props: ComposeProps): ReactNode {
  const why = useWhyNot("send");
  return why === undefined ? <Box {...props} /> : <div className="compose dim">{why}</div>;
}

/**
 * A text box. Enter sends, Shift+Enter breaks the line. Sending is optimistic: the box is emptied at once, and the text
 * is shown above it until the hive has stored it. A refused text returns to the box with the reason. Both a draft and a
 * text that is being sent survive a reload.
 */
function Box({
  draftKey,
  lead,
  label,
  placeholder,
  suggest,
  send,
  attach,
  focusToken,
  takesFocus = false,
}: ComposeProps): ReactNode {
  const key = `draft:${draftKey}`;
  const [text, setText] = useState(() => sessionStorage.getItem(key) ?? "");
  const [sending, setSending] = useState<readonly Sending[]>([]);
  const [refusal, setRefusal] = useState<string>();
  const [chosen, setChosen] = useState(0);
  const [isDismissed, setDismissed] = useState(false);
  const attachments = useAttachments(attach);
  const isEmpty = text.trim() === "" && attachments.files.length === 0;
  const box = useRef<HTMLTextAreaElement>(null);
  const typed = useRef(text);
  const failed = useRef<Sending>(undefined);
  const listId = useId();
  const suggestions = isDismissed ? [] : suggest(text);
  const at = Math.min(chosen, suggestions.length - 1);

  useEffect(() => {
    typed.current = text;
    const kept = [...sending.map((one) => one.text), text].filter((one) => one !== "").join("\n");
    if (kept) sessionStorage.setItem(key, kept);
    else sessionStorage.removeItem(key);
  }, [text, sending, key]);
  useEffect(() => {
    if (focusToken) box.current?.focus();
  }, [focusToken]);

  useEffect(() => {
    if (takesFocus && hasOwnKeyboard() && document.activeElement === document.body) box.current?.focus();
  }, [takesFocus]);

  const write = (next: string): void => {
    setText(next);
    setChosen(0);
    setDismissed(false);
  };
  const submit = async (): Promise<void> => {
    if (isEmpty) return;
    const files = attachments.take();
    const id = files.length === 0 && failed.current?.text === text ? failed.current.id : crypto.randomUUID();
    const one = { id, text };
    setSending((all) => [...all, one]);
    setRefusal(undefined);
    write("");
    try {
      await send(text, id, await Promise.all(files.map(({ path }) => path)));
      failed.current = undefined;
    } catch (error) {
      failed.current = one;
      setRefusal(error instanceof ApiError ? error.message : "that did not work");
      attachments.putBack(files);
      // Do not overwrite what was typed meanwhile.
      write(typed.current === "" ? text : `${text}\n${typed.current}`);
      requestAnimationFrame(() => box.current?.focus());
    } finally {
      setSending((all) => all.filter((other) => other !== one));
    }
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const suggestion = suggestions[at];
    if (suggestion) {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        setChosen((at + (event.key === "ArrowDown" ? 1 : -1) + suggestions.length) % suggestions.length);
        return;
      }
      if (event.key === "Tab" || (event.key === "Enter" && suggestion.text.trim() !== text.trim())) {
        event.preventDefault();
        write(suggestion.text);
        return;
      }
      if (event.key === "Escape") {
        event.preventDefault();
        setDismissed(true);
      }
    }
  };

  return (
    <div
      className="compose"
      onDragOver={(event) => attach && event.preventDefault()}
      onDrop={(event) => {
        if (!attach) return;
        event.preventDefault();
        attachments.add([...event.dataTransfer.files]);
      }}
    >
      {sending.map((one) => (
        <p key={one.id} className="sending dim" role="status">
          <span className="spinner" aria-hidden="true" />
          sending: {visible(one.text.slice(0, 200))}
        </p>
      ))}
      {refusal !== undefined && (
        <p className="refusal red" role="alert">
          {visible(refusal)}
          <button type="button" className="ghost" aria-label="dismiss" onClick={() => setRefusal(undefined)}>
            ✕
          </button>
        </p>
      )}
      {suggestions.length > 0 && (
        <ul className="suggestions" id={listId} role="listbox" aria-label="suggestions">
          {suggestions.map((one, index) => (
            <li
              key={one.text}
              id={`${listId}-${index}`}
              role="option"
              aria-selected={index === at}
              className={index === at ? "on" : ""}
              // Keep the focus in the box when a suggestion is pressed.
              onPointerDown={(event) => event.preventDefault()}
              onClick={() => {
                write(one.text);
                box.current?.focus();
              }}
            >
              <span>{one.label}</span> <span className="faint">{one.hint}</span>
            </li>
          ))}
        </ul>
      )}
      <AttachmentList attachments={attachments} />
      {lead}
      <TextBox
        box={box}
        rows={2}
        value={text}
        aria-label={label}
        aria-autocomplete="list"
        aria-controls={suggestions.length > 0 ? listId : undefined}
        aria-activedescendant={suggestions.length > 0 ? `${listId}-${at}` : undefined}
        placeholder={placeholder}
        onText={write}
        onEnter={() => void submit()}
        onKeyDown={onKeyDown}
        onPaste={(event) => {
          const pasted = attach ? [...event.clipboardData.files] : [];
          if (pasted.length === 0) return;
          event.preventDefault();
          attachments.add(pasted);
        }}
      />
      {attach && <AttachButton attachments={attachments} />}
      <button
        type="button"
        className="ghost send"
        disabled={isEmpty}
        onClick={() => void submit()}
        title="Enter sends, Shift+Enter breaks the line"
      >
        send ⏎
      </button>
    </div>
  );
}
