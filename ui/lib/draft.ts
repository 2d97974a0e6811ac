import { useState } from "react";

const listeners = new Set<() => void>();

/** Hears whenever a draft begins or ends to exist. Returns how to stop. */
export function onDraftChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Has everything that depends on drafts look again. */
export function draftsChanged(): void {
  for (const listener of listeners) listener();
}

/**
 * Something half written that survives reloads and restarts, until it is cleared. It is kept in this tab: another tab
 * may hold another draft.
 */
export function useDraft(key: string, initial = ""): [value: string, set: (next: string) => void] {
  const name = `draft:${key}`;
  const [value, setValue] = useState(() => sessionStorage.getItem(name) ?? initial);
  const set = (next: string): void => {
    setValue(next);
    const had = hasDraft(key);
    if (next === initial) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, next);
    if (had !== hasDraft(key)) draftsChanged();
  };
  return [value, set];
}

/** True while something half written is kept under this key. */
export function hasDraft(key: string): boolean {
  return sessionStorage.getItem(`draft:${key}`) !== null;
}
