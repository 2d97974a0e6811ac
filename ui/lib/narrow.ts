import { useSyncExternalStore } from "react";

/** The width of the phone layout, as in the style sheets. */
const query = matchMedia("(max-width: 900px)");

/** True on a phone. For elements that move elsewhere; for looks alone, use the style sheet. */
export function useNarrow(): boolean {
  return useSyncExternalStore(
    (listener) => {
      query.addEventListener("change", listener);
      return () => query.removeEventListener("change", listener);
    },
    () => query.matches,
  );
}
