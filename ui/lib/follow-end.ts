import { useCallback, useEffect, useRef, useState, type RefObject, type UIEvent, type WheelEvent } from "react";

/** Pixels from the end at which scrolling down counts as having reached it. */
const NEAR_END = 40;
/** Pixels that rounding may leave at the end. */
const ROUNDING = 2;

interface FollowEnd {
  /** True while the list follows its end. */
  isAtEnd: boolean;
  /** Scrolls to the end while the list follows it. Call it in a layout effect after the content has changed. */
  keep: () => void;
  /** Scrolls to the end and follows it from now on. */
  toEnd: () => void;
  onScroll: (event: UIEvent<HTMLElement>) => void;
  onWheel: (event: WheelEvent<HTMLElement>) => void;
}

/**
 * Keeps a list at its end until the reader scrolls up, and again once the reader has returned to the end. Only the
 * reader stops it: if something else moves the end out of view (measured rows, a growing box below, a shrinking
 * window), the list scrolls back. It records each of its own movements when it makes them, so that their scroll events
 * show no change.
 */
export function useFollowEnd(list: RefObject<HTMLElement | null>): FollowEnd {
  const [isAtEnd, setAtEnd] = useState(true);
  const follows = useRef(true);
  /** Position and size of the list at the last check. */
  const seen = useRef({ top: 0, content: 0, window: 0 });

  const follow = useCallback((next: boolean): void => {
    follows.current = next;
    setAtEnd(next);
  }, []);
  const keep = useCallback((): void => {
    const at = list.current;
    if (!at || !follows.current) return;
    at.scrollTo({ top: at.scrollHeight, behavior: "instant" });
    seen.current = look(at);
  }, [list]);
  useEffect(() => {
    const at = list.current;
    if (!at) return;
    const watch = new ResizeObserver(keep);
    watch.observe(at);
    return () => watch.disconnect();
  }, [list, keep]);

  return {
    isAtEnd,
    keep,
    toEnd: () => {
      follow(true);
      keep();
    },
    onScroll: ({ currentTarget: at }) => {
      const before = seen.current;
      const now = look(at);
      seen.current = now;
      const below = now.content - now.top - now.window;
      // If the content became lower, the browser moved the list, not the reader.
      const isMoved = now.content < before.content || now.window !== before.window;
      if (below <= ROUNDING || (below < NEAR_END && now.top > before.top)) follow(true);
      else if (isMoved && follows.current) keep();
      else if (now.top < before.top) follow(false);
    },
    // Handle the wheel at once: in a storm of events the list would return to its end before it has moved at all.
    onWheel: ({ currentTarget: at, deltaY }) => {
      if (deltaY < 0 && at.scrollTop > 0) follow(false);
    },
  };
}

const look = (at: HTMLElement): { top: number; content: number; window: number } => ({
  top: at.scrollTop,
  content: at.scrollHeight,
  window: at.clientHeight,
});
