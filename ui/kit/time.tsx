import { useSyncExternalStore, type ReactNode } from "react";
import { age, clock, minute, moment } from "../lib/text.ts";

/** One clock for all ages on the page. It stops while the page is hidden. */
let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    if (document.hidden) return;
    now = Date.now();
    for (const one of listeners) one();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0 || timer === undefined) return;
    clearInterval(timer);
    timer = undefined;
  };
}

export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

/** The time since an event, ticking. */
export function Age({ since }: { since: string }): ReactNode {
  const at = useNow();
  return (
    <time dateTime={since} title={moment(since)}>
      {age(at - Date.parse(since))}
    </time>
  );
}

/** The time until an event, ticking. */
export function Until({ at }: { at: string }): ReactNode {
  const rest = Date.parse(at) - useNow();
  return (
    <time dateTime={at} title={moment(at)}>
      {rest <= 0 ? "now" : age(rest + 999)}
    </time>
  );
}

/** The time of day without seconds, for what is planned. */
export function Minute({ at }: { at: string }): ReactNode {
  return (
    <time dateTime={at} title={moment(at)}>
      {minute(at)}
    </time>
  );
}

export function Clock({ at }: { at: string }): ReactNode {
  return (
    <time dateTime={at} title={moment(at)}>
      {clock(at)}
    </time>
  );
}
