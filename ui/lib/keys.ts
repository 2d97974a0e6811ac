import { useEffect, useRef } from "react";

/** Keys of a page and what they do; the words are for the list that `?` shows. */
export interface Key {
  key: string;
  words: string;
  run: () => void;
}

/** Typing, a dialog or a modifier: then a letter is only a letter. */
function isOurs(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return false;
  const at = event.target instanceof HTMLElement ? event.target : undefined;
  if (at?.closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]")) return false;
  return document.querySelector("[role=dialog], [role=alertdialog], [role=menu]") === null;
}

/** Listens for single keys while the page is there. */
export function useKeys(keys: readonly Key[]): void {
  const current = useRef(keys);
  useEffect(() => {
    current.current = keys;
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (!isOurs(event)) return;
      const found = current.current.find((one) => one.key === event.key);
      if (!found) return;
      event.preventDefault();
      found.run();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}

/** Moves the focus among the elements that fit, by one; into the first when none has it. */
export function moveFocus(selector: string, by: 1 | -1): void {
  const all = [...document.querySelectorAll<HTMLElement>(selector)];
  const at = all.findIndex((one) => one === document.activeElement || one.contains(document.activeElement));
  const next = all[at < 0 ? (by === 1 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

/** Focuses something inside of the element that has, or holds, the focus; or of the only one that there is. */
export function focusWithin(selector: string, inner: string): void {
  const all = [...document.querySelectorAll<HTMLElement>(selector)];
  const at = all.find((one) => one.contains(document.activeElement)) ?? (all.length === 1 ? all[0] : undefined);
  at?.querySelector<HTMLElement>(inner)?.focus();
}
