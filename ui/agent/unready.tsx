import type { ReactNode } from "react";
import type { AgentView } from "../../src/wire/agent.ts";
import { Allowed, AllowedOrWhy } from "../kit/allowed.tsx";
import { Action } from "../kit/button.tsx";
import { FoldedError } from "../kit/folded.tsx";
import { visible } from "../lib/text.ts";
import { retryWorkspace, skipWorkspace } from "../lib/workspace.ts";

/** A workspace that could not be made, and the two answers to it. */
export function Unready({ agent: { name, unready_workspace: unready } }: { agent: AgentView }): ReactNode {
  if (!unready) return null;
  return (
    <div className="unready" role="alert">
      <p className="amber">The workspace {visible(unready.repo)} is not ready. Messages wait.</p>
      <FoldedError text={unready.reason} />
      <div className="foot">
        <Allowed to="workspace_retry">
          <Action kind="go" run={() => retryWorkspace(name)}>
            make it again
          </Action>
        </Allowed>
        <AllowedOrWhy to="workspace_skip">
          <Action run={() => skipWorkspace(name)}>go on without</Action>
        </AllowedOrWhy>
      </div>
    </div>
  );
}
