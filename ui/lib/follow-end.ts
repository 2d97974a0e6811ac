import { useCallback, useEffect, useRef, useState, type RefObject, type UIEvent, type WheelEvent } from "react";

/** Pixels from the end at which coming down counts as having arrived. */
const NEAR_END = 40;
/** Pixels that rounding may leave at the very end. */
const ROUNDING = 2;

interface FollowEnd {
  /** True while the list follows what comes. */
  isAtEnd: boolean;
  /** Moves to the end while the list follows it: for a layout effect after what is in the list has changed. */
  keep: () => void;
  /** Goes to the end and follows it from now on. */
  toEnd: () => void;
  onScroll: (event: UIEvent<HTMLElement>) => void;
  onWheel: (event: WheelEvent<HTMLElement>) => void;
}

/**
 * A list that stays at its end until the reader goes up, and follows again once the reader is back there. Only the
 * reader lets go: whatever else leaves the end out of sight (rows that are measured, a box below that grows, a window
 * that shrinks) is made good. Movements that are not the reader's are known by having been written down when they were
 * made: what an event then tells is no longer news.
 */
export function useFollowEnd(list: RefObject<HTMLElement | null>): FollowEnd {
  const [isAtEnd, setAtEnd] = useState(true);
  const follows = useRef(true);
  /** Where the list was, and how high, when it was last looked at. */
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
      // A list whose content has become lower was moved by the browser, and not by the reader.
      const isMoved = now.content < before.content || now.window !== before.window;
      if (below <= ROUNDING || (below < NEAR_END && now.top > before.top)) follow(true);
      else if (isMoved && follows.current) keep();
      else if (now.top < before.top) follow(false);
    },
    // Said at once: in a storm, what comes next would take the list back to the end before it has moved at all.
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
