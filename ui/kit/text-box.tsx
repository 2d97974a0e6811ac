import { useLayoutEffect, useRef, type ComponentProps, type KeyboardEvent, type ReactNode, type RefObject } from "react";

interface TextBoxProps extends Omit<ComponentProps<"textarea">, "onChange" | "value" | "ref"> {
  value: string;
  onText: (next: string) => void;
  /** Called on Enter, but not while an input method composes. */
  onEnter: () => void;
  box?: RefObject<HTMLTextAreaElement | null>;
}

/**
 * The text box of every form. Enter sends, Shift+Enter breaks the line, Escape leaves it. It grows with its text, so
 * that the surrounding pane scrolls. Outside a pane the style sheet limits its height.
 */
export function TextBox({ value, onText, onEnter, onKeyDown, box, ...rest }: TextBoxProps): ReactNode {
  const own = useRef<HTMLTextAreaElement>(null);
  const field = box ?? own;
  useLayoutEffect(() => {
    const at = field.current;
    if (!at) return undefined;
    const fit = (): void => {
      at.style.height = "auto";
      at.style.height = `${at.scrollHeight + at.offsetHeight - at.clientHeight}px`;
    };
    fit();
    // Another width breaks the lines elsewhere.
    let width = at.offsetWidth;
    const watcher = new ResizeObserver(() => {
      if (at.offsetWidth === width) return;
      width = at.offsetWidth;
      fit();
    });
    watcher.observe(at);
    return () => watcher.disconnect();
  }, [field, value]);
  const onKey = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.nativeEvent.isComposing) return;
    onKeyDown?.(event);
    // Leave the box, so that single keys are commands again. In a dialog, Escape closes the dialog instead.
    if (event.key === "Escape" && !event.defaultPrevented && !event.currentTarget.closest("[role=dialog]"))
      event.currentTarget.blur();
    if (event.defaultPrevented || event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    onEnter();
  };
  return (
    <textarea
      {...rest}
      ref={field}
      value={value}
      enterKeyHint="send"
      onChange={(event) => onText(event.target.value)}
      onKeyDown={onKey}
    />
  );
}
