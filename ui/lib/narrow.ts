import { useSyncExternalStore } from "react";

/** The width at which the layout becomes that of a phone, as in the style sheets. */
const query = matchMedia("(max-width: 900px)");

/** True on a phone. For what stands in another place there; mere looks are the style sheet's. */
export function useNarrow(): boolean {
  return useSyncExternalStore(
    (listener) => {
      query.addEventListener("change", listener);
      return () => query.removeEventListener("change", listener);
    },
    () => query.matches,
  );
}
