import { useCallback, useState } from "react";

const listeners = new Set<() => void>();

/** Calls `listener` whenever a draft is created or removed. Returns a function that stops it. */
export function onDraftChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Notifies everything that depends on drafts. */
export function draftsChanged(): void {
  for (const listener of listeners) listener();
}

/** A draft that survives reloads and restarts until it is cleared. It belongs to this tab; another tab may have another draft. */
export function useDraft(key: string, initial = ""): [value: string, set: (next: string) => void] {
  const name = `draft:${key}`;
  const [value, setValue] = useState(() => sessionStorage.getItem(name) ?? initial);
  const set = useCallback(
    (next: string): void => {
      setValue(next);
      const had = hasDraft(key);
      if (next === initial) sessionStorage.removeItem(name);
      else sessionStorage.setItem(name, next);
      if (had !== hasDraft(key)) draftsChanged();
    },
    [key, name, initial],
  );
  return [value, set];
}

/** True while a draft exists under this key. */
export function hasDraft(key: string): boolean {
  return sessionStorage.getItem(`draft:${key}`) !== null;
}
