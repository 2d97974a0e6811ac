import { useState } from "react";

/**
 * Something half written that survives reloads and restarts, until it is cleared. It is kept in this tab: another tab
 * may hold another draft.
 */
export function useDraft(key: string, initial = ""): [value: string, set: (next: string) => void] {
  const name = `draft:${key}`;
  const [value, setValue] = useState(() => sessionStorage.getItem(name) ?? initial);
  const set = (next: string): void => {
    setValue(next);
    if (next === initial) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, next);
  };
  return [value, set];
}

/** True while something half written is kept under this key. */
export function hasDraft(key: string): boolean {
  return sessionStorage.getItem(`draft:${key}`) !== null;
}
