import type { ReactNode } from "react";
import { useHive } from "../lib/store.ts";

/** A command of hivectl, as it can be typed on the host. */
export function Hivectl({ children }: { children: ReactNode }): ReactNode {
  const name = useHive((state) => state.hive.hivectl);
  return (
    <code>
      {name} {children}
    </code>
  );
}
