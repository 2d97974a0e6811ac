import { useCallback, type ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import { isChecked } from "../../src/wire/change-checks.ts";
import type { ChangeView } from "../../src/wire/work.ts";
import { FollowedLog } from "../kit/followed-log.tsx";
import { call } from "../lib/api.ts";
import { useHive } from "../lib/store.ts";

/** Lines of the log on the page of the change. The drawer has the others. */
const LINES_ON_PAGE = 14;
/** Lines that the drawer begins with. */
const LINES = 500;

/** The log of a change's check, live while it runs. */
export function CheckLog({ id, most }: { id: number; most?: number }): ReactNode {
  const lines = most ?? LINES;
  // A change that the page does not have has ended.
  const isLive = useHive((state) => {
    const change = state.changes.get(id);
    return change !== undefined && isChecked(change);
  });
  const read = useCallback(
    (after: number | undefined) => call("change_log", { change: id, lines, ...(after === undefined ? {} : { after }) }),
    [id, lines],
  );
  return (
    <FollowedLog
      label={`check log of change ${id}`}
      of="the check’s log"
      read={read}
      isLive={isLive}
      {...(most === undefined ? {} : { most })}
    />
  );
}

/** The end of the log while the check runs, and a link to the whole of it. */
export function Check({ change }: { change: ChangeView }): ReactNode {
  const { id, has_log: hasLog } = change;
  const isRunning = isChecked(change);
  if (!isRunning && !hasLog) return null;
  return (
    <div className="check">
      {isRunning && <CheckLog id={id} most={LINES_ON_PAGE} />}
      <p>
        <Link to="." search={(search) => ({ ...search, open: `check:${id}` })} className="edit-again">
          {isRunning ? "the whole check log" : "the check log"}
        </Link>
      </p>
    </div>
  );
}
