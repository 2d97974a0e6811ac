import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { ApiError } from "../lib/api.ts";
import { toast } from "./toast.tsx";

/** One line that can be taken over from the list above the box. */
export interface Suggestion {
  /** What it puts into the box. */
  text: string;
  label: string;
  hint?: string;
}

interface ComposeProps {
  /** Under this name typed text survives a reload. */
  draftKey: string;
  lead: ReactNode;
  label: string;
  placeholder: string;
  /** Suggestions for what is typed so far. */
  suggest: (text: string) => Suggestion[];
  /** Sends. A refusal keeps the text and is said. */
  send: (text: string) => Promise<void>;
  /** Text that something else on the page puts in; a new object replaces what is there only when it is empty. */
  focusToken?: number;
}

/** A box to write in: Enter sends, Shift+Enter breaks the line, what is typed is never lost. */
export function Compose({ draftKey, lead, label, placeholder, suggest, send, focusToken }: ComposeProps): ReactNode {
  const key = `draft:${draftKey}`;
  const [text, setText] = useState(() => sessionStorage.getItem(key) ?? "");
  const [isSending, setSending] = useState(false);
  const [chosen, setChosen] = useState(0);
  const [isDismissed, setDismissed] = useState(false);
  const box = useRef<HTMLTextAreaElement>(null);
  const listId = useId();
  const suggestions = isDismissed ? [] : suggest(text);
  const at = Math.min(chosen, suggestions.length - 1);

  useEffect(() => {
    if (text) sessionStorage.setItem(key, text);
    else sessionStorage.removeItem(key);
    const field = box.current;
    if (!field) return;
    // Grows with its text, to a third of the page.
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, innerHeight / 3)}px`;
  }, [text, key]);
  useEffect(() => {
    if (focusToken) box.current?.focus();
  }, [focusToken]);

  const write = (next: string): void => {
    setText(next);
    setChosen(0);
    setDismissed(false);
  };
  const submit = async (): Promise<void> => {
    if (text.trim() === "" || isSending) return;
    setSending(true);
    try {
      await send(text);
      setText("");
    } catch (error) {
      toast(error instanceof ApiError ? error.message : "that did not work; your text is still here", "error");
    } finally {
      setSending(false);
      requestAnimationFrame(() => box.current?.focus());
    }
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    // While an input method composes, its Enter is not ours.
    if (event.nativeEvent.isComposing) return;
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
      if (event.key === "Escape") return setDismissed(true);
    }
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    void submit();
  };

  return (
    <div className="compose">
      {suggestions.length > 0 && (
        <ul className="suggestions" id={listId} role="listbox" aria-label="suggestions">
          {suggestions.map((one, index) => (
            <li
              key={one.text}
              id={`${listId}-${index}`}
              role="option"
              aria-selected={index === at}
              className={index === at ? "on" : ""}
            >
              <button
                type="button"
                tabIndex={-1}
                className="ghost"
                onPointerDown={(event) => event.preventDefault()}
                onClick={() => {
                  write(one.text);
                  box.current?.focus();
                }}
              >
                <span>{one.label}</span> <span className="faint">{one.hint}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {lead}
      <textarea
        ref={box}
        rows={2}
        value={text}
        aria-label={label}
        aria-controls={suggestions.length > 0 ? listId : undefined}
        aria-activedescendant={suggestions.length > 0 ? `${listId}-${at}` : undefined}
        placeholder={placeholder}
        readOnly={isSending}
        onChange={(event) => write(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <button
        type="button"
        className="ghost send"
        disabled={text.trim() === "" || isSending}
        aria-busy={isSending}
        onClick={() => void submit()}
        title="Enter sends, Shift+Enter breaks the line"
      >
        {isSending ? <span className="spinner" aria-hidden="true" /> : "send ⏎"}
      </button>
    </div>
  );
}
