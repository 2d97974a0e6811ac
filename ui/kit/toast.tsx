import { useSyncExternalStore, type ReactNode } from "react";
import { visible } from "../lib/text.ts";

interface Toast {
  id: number;
  words: string;
  kind: "info" | "error";
}

/** How long a toast stays. Errors take longer to read. Milliseconds. */
const STAY_MS = { info: 4000, error: 9000 } as const;

let toasts: readonly Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

function set(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

/** Shows a message in the corner of the page and announces it to screen readers. */
export function toast(words: string, kind: Toast["kind"] = "info"): void {
  const id = nextId++;
  set([...toasts.slice(-3), { id, words, kind }]);
  setTimeout(() => dismiss(id), STAY_MS[kind]);
}

function dismiss(id: number): void {
  set(toasts.filter((one) => one.id !== id));
}

export function Toasts(): ReactNode {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    () => toasts,
  );
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map((one) => (
        <button key={one.id} type="button" className={`toast ${one.kind}`} title="dismiss" onClick={() => dismiss(one.id)}>
          {visible(one.words)}
        </button>
      ))}
    </div>
  );
}
