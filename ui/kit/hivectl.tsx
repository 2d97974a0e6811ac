import type { ReactNode } from "react";
import { useHive } from "../lib/store.ts";

interface HivectlProps {
  /** It is typed in a folder of the operator's, not in the checkout of the hive. */
  anywhere?: boolean;
  children: ReactNode;
}

/** A command of hivectl, as it can be typed on the host. */
export function Hivectl({ anywhere = false, children }: HivectlProps): ReactNode {
  const name = useHive(({ hive }) => (anywhere ? hive.hivectl_anywhere : undefined) ?? hive.hivectl);
  return (
    <code>
      {name} {children}
    </code>
  );
}
