import { useEffect, useRef, useState, type ReactNode } from "react";

/** Draws more when the reader scrolls to the end of what is drawn, or presses the button. */
export function Further({ words, draw }: { words: string; draw: () => void }): ReactNode {
  const place = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!place.current) return;
    const watch = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && draw());
    watch.observe(place.current);
    return () => watch.disconnect();
  }, [draw]);
  return (
    <button ref={place} type="button" className="ghost nothing" onClick={draw}>
      {words}
    </button>
  );
}

/** Entries of a list that are drawn at first, and added each time: a change may have thousands of files. */
const AT_ONCE = 200;

/** How much of a list is drawn. `upTo` draws at least so many. */
export function useGrowing(total: number): { drawn: number; isAll: boolean; grow: () => void; upTo: (least: number) => void } {
  const [drawn, setDrawn] = useState(AT_ONCE);
  return {
    drawn,
    isAll: drawn >= total,
    grow: () => setDrawn((now) => now + AT_ONCE),
    upTo: (least) => setDrawn((now) => Math.max(now, least)),
  };
}
