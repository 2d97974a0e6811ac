import { useMay } from "../kit/allowed.tsx";
import { useState, type ReactNode } from "react";
import type { AgentView } from "../../src/wire/agent.ts";
import { ApiError, call } from "../lib/api.ts";
import { toast } from "../kit/toast.tsx";

/** True while the agent is in a turn that can be cancelled. */
export const isInTurn = ({ state }: AgentView): boolean => state === "thinking" || state === "compacting";

/**
 * Cancels the running turn, and optionally returns its message to the queue. The page answers the click at once: the
 * button says "cancelling…" before the hive responds, until the turn has ended or the hive refuses.
 */
export function CancelTurn({ agent }: { agent: AgentView }): ReactNode {
  const [asked, setAsked] = useState<number>();
  const { name, turn = 0 } = agent;
  const mayCancel = useMay("cancel");
  if (!isInTurn(agent) || !mayCancel) return null;
  const isAsked = asked === turn;
  const cancel = async (giveBack: boolean): Promise<void> => {
    setAsked(turn);
    try {
      const { cancelled } = await call("cancel", { name, return: giveBack });
      if (!cancelled) setAsked(undefined);
      toast(
        !cancelled
          ? "no turn was running"
          : giveBack
            ? `cancelled; its message waits, and ${name} is paused`
            : "cancelled; its message was dropped",
      );
    } catch (error) {
      setAsked(undefined);
      toast(error instanceof ApiError ? error.message : "that did not work", "error");
    }
  };
  return (
    <>
      <button type="button" className="no" disabled={isAsked} aria-busy={isAsked} onClick={() => void cancel(false)}>
        {isAsked && <span className="spinner" aria-hidden="true" />}
        {isAsked ? "cancelling…" : "cancel turn"}
      </button>
      {!isAsked && (
        <button
          type="button"
          className="ghost wide"
          title="cancel, give the message back, and pause"
          onClick={() => void cancel(true)}
        >
          give back
        </button>
      )}
    </>
  );
}
