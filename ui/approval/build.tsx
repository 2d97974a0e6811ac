import { useCallback, useState, type ReactNode } from "react";
import type { ApprovalView } from "../../src/wire/approval.ts";
import { isBeforeBuilt, requestCan } from "../../src/wire/request-states.ts";
import { Allowed } from "../kit/allowed.tsx";
import { Action } from "../kit/button.tsx";
import { FollowedLog } from "../kit/followed-log.tsx";
import { call } from "../lib/api.ts";

/** The log of a request's build, open while it is built, and the button that cancels the build. */
export function Build({ approval }: { approval: ApprovalView }): ReactNode {
  const { id, state } = approval;
  const [turned, setTurned] = useState<boolean>();
  const isOpen = turned ?? isBeforeBuilt(state);
  const read = useCallback(
    (after: number | undefined) => call("build_log", { id, lines: 500, ...(after === undefined ? {} : { after }) }),
    [id],
  );
  return (
    <div className="build">
      <p className="row">
        <button type="button" className="ghost" aria-expanded={isOpen} onClick={() => setTurned(!isOpen)}>
          {isOpen ? "▾" : "▸"} build log
        </button>
        {requestCan(approval, "cancel") && (
          <Allowed to="cancel_request">
            <Action
              kind="no"
              run={async () => {
                await call("cancel_request", { request: id });
                return `the build of request ${id} is cancelled`;
              }}
            >
              cancel the build
            </Action>
          </Allowed>
        )}
      </p>
      {isOpen && (
        <FollowedLog label={`build log of request ${id}`} of="the build’s log" read={read} isLive={isBeforeBuilt(state)} />
      )}
    </div>
  );
}
