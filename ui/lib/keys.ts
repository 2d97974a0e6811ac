import { useEffect, useRef } from "react";

/** A key of a page and its action. The words are for the list of `?`. */
export interface Key {
  key: string;
  words: string;
  run: () => void;
}

/** False while the user types, in a dialog, and with a modifier: then a letter is only a letter. */
function isOurs(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return false;
  const at = event.target instanceof HTMLElement ? event.target : undefined;
  if (at?.closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]")) return false;
  return document.querySelector("[role=dialog], [role=alertdialog], [role=menu]") === null;
}

/** The button that a key has focused. */
let armed: Element | undefined;

/**
 * A button that a key has focused takes Enter and nothing else: a space in a sentence that was typed at no box would
 * press it. Any other printable key takes the focus from it.
 */
function disarm(event: KeyboardEvent): void {
  const button = armed;
  armed = undefined;
  if (event.key.length !== 1 || !(button instanceof HTMLElement) || button !== document.activeElement) return;
  button.blur();
  event.preventDefault();
}

/** Listens for single keys while the page is mounted. */
export function useKeys(keys: readonly Key[]): void {
  const current = useRef(keys);
  useEffect(() => {
    current.current = keys;
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (!isOurs(event)) return;
      disarm(event);
      const found = current.current.find((one) => one.key === event.key);
      if (!found) return;
      event.preventDefault();
      found.run();
      armed = document.activeElement instanceof HTMLButtonElement ? document.activeElement : undefined;
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}

/** The last focused element: a busy button loses its focus, and a finished card leaves the page. */
let last: { selector: string; element: HTMLElement; index: number } | undefined;

/**
 * Moves the focus by one among the matching elements; to the first if none was focused. If nothing has the focus,
 * continues from the last focused element, or from the one that took its place.
 */
export function moveFocus(selector: string, by: 1 | -1): void {
  const all = [...document.querySelectorAll<HTMLElement>(selector)];
  const index = nextIndex(all, selector, by);
  const next = all[Math.min(all.length - 1, Math.max(0, index))];
  if (!next) return;
  next.focus();
  next.scrollIntoView({ block: "nearest" });
  last = { selector, element: next, index: all.indexOf(next) };
}

function nextIndex(all: readonly HTMLElement[], selector: string, by: 1 | -1): number {
  const focused = all.findIndex((one) => one === document.activeElement || one.contains(document.activeElement));
  if (focused >= 0) return focused + by;
  if (last?.selector !== selector) return by === 1 ? 0 : all.length - 1;
  const there = all.indexOf(last.element);
  if (there >= 0) return there + by;
  return by === 1 ? last.index : last.index - 1;
}

/** Focuses an inner element of the matching element that has or contains the focus, or of the only match. */
export function focusWithin(selector: string, inner: string): void {
  const all = [...document.querySelectorAll<HTMLElement>(selector)];
  const at = all.find((one) => one.contains(document.activeElement)) ?? (all.length === 1 ? all[0] : undefined);
  at?.querySelector<HTMLElement>(inner)?.focus();
}
