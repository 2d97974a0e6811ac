import { shortSha } from "../../src/wire/sha.ts";
import { requestCan } from "../../src/wire/request-states.ts";
import type { ApprovalView, RequestState, RiskMark } from "../../src/wire/approval.ts";
import type { State } from "./state.ts";

/** The label and colour of each state. */
export const STATE_WORDS: Record<RequestState, { words: string; colour: string }> = {
  pending: { words: "waits for you", colour: "amber" },
  approved: { words: "approved", colour: "mauve" },
  building: { words: "building", colour: "mauve" },
  waiting: { words: "waits for the turn to end", colour: "mauve" },
  activating: { words: "activating", colour: "mauve" },
  deployed: { words: "deployed", colour: "green" },
  failed: { words: "failed", colour: "red" },
  denied: { words: "denied", colour: "red" },
  cancelled: { words: "cancelled", colour: "dim" },
};

export const RISK_COLOURS: Record<RiskMark["level"], string> = { danger: "red", warn: "amber", info: "" };

/** A commit's name in short form; empty without a commit. */
export const short = (sha: string | undefined): string => (sha === undefined ? "" : shortSha(sha));

/** Requests that wait for the operator, oldest first. */
export function pendingApprovals(state: Pick<State, "approvals">): ApprovalView[] {
  return [...state.approvals.values()].filter((one) => requestCan(one, "approve")).sort((a, b) => a.id - b.id);
}
