import type { ReactNode } from "react";
import type { ChangeView } from "../../src/wire/work.ts";
import { Who } from "../kit/text.tsx";
import { Minute, Until } from "../kit/time.tsx";

/** Until when the operator may stop a change that a reviewer has approved. Nothing for other changes. */
export function Veto({ change: { merges_at: at, decided_by: by } }: { change: ChangeView }): ReactNode {
  if (at === undefined) return null;
  return (
    <p className="amber">
      {by !== undefined && (
        <>
          <Who name={by} /> has approved it:{" "}
        </>
      )}
      merges at <Minute at={at} /> unless you veto, in <Until at={at} />
    </p>
  );
}
