import { DEPLOY_PATH, isTerminal, requestCan } from "../../src/wire/request-states.ts";
import { useState, type ReactNode } from "react";
import type { ApprovalView } from "../../src/wire/approval.ts";
import { Allowed } from "../kit/allowed.tsx";
import { Action } from "../kit/button.tsx";
import { FoldedError } from "../kit/folded.tsx";
import { Confirm } from "../kit/lazy.tsx";
import { Steps } from "../kit/steps.tsx";
import { Words } from "../kit/text.tsx";
import { call } from "../lib/api.ts";
import { STATE_WORDS } from "../lib/approvals.ts";
import { visible } from "../lib/text.ts";

/** Who decided, to follow the state's word. A failed request was approved first. */
function decided(state: ApprovalView["state"], by: string): string {
  if (state === "deployed") return "";
  return state === "failed" ? ` · approved by ${visible(by)}` : ` by ${visible(by)}`;
}

/** The progress of an approved request, or its final state. */
export function Progress({ approval }: { approval: ApprovalView }): ReactNode {
  const [isForcing, setForcing] = useState(false);
  const { id, agent, state } = approval;
  const { words, colour } = STATE_WORDS[state];
  const at = DEPLOY_PATH.indexOf(state);
  if (at < 0 || isTerminal(state)) {
    return (
      <div className="ended">
        <span className={colour}>
          {words}
          {approval.resolved_by && decided(state, approval.resolved_by)}
        </span>
        {approval.tag && <span className="faint"> · {visible(approval.tag)}</span>}
        {approval.note && (
          <p>
            “<Words text={approval.note} />”
          </p>
        )}
        {approval.error && <FoldedError text={approval.error} />}
      </div>
    );
  }
  return (
    <div className="foot way">
      <Steps steps={DEPLOY_PATH} at={at} label={`request ${id}: ${words}`} />
      {requestCan(approval, "force") && (
        <Allowed to="deploy_force">
          <button type="button" className="ghost" onClick={() => setForcing(true)}>
            do not wait…
          </button>
          <Confirm
            isOpen={isForcing}
            onClose={() => setForcing(false)}
            title={`stop ${agent}'s turn?`}
            words="The turn is cut short; its message goes back to the inbox and is delivered again after the deploy."
          >
            <Action
              kind="no"
              run={async () => {
                await call("deploy_force", { id });
                setForcing(false);
              }}
            >
              stop the turn, deploy now
            </Action>
          </Confirm>
        </Allowed>
      )}
    </div>
  );
}
