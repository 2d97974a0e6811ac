import { useCallback, type ReactNode } from "react";
import { FollowedLog } from "../kit/followed-log.tsx";
import { call } from "../lib/api.ts";
import { visible } from "../lib/text.ts";

/** The log of an agent's cage. */
export function Logs({ name }: { name: string }): ReactNode {
  const read = useCallback(
    (after: number | undefined) => call("logs", { name, lines: 500, ...(after === undefined ? {} : { after }) }),
    [name],
  );
  return <FollowedLog label={`log of ${visible(name)}`} of="the cage’s log" read={read} />;
}
