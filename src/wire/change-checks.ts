import { isBeingMerged, isUnderWay } from "./change-states.ts";
import type { ChangeView, EarlyCheck } from "./work.ts";

type Checked = Pick<ChangeView, "state" | "early_check">;

/** True while the check of a proposed change runs. */
export const isCheckedEarly = ({ state, early_check: check }: Checked): boolean =>
  state === "proposed" && check?.state === "running";

/** True while the check runs, or its steps before it. */
export const isChecked = (change: Checked): boolean => isBeingMerged(change.state) || isCheckedEarly(change);

/** True if a run of the check may still print, now or once it is the change's turn. */
export const mayPrint = (change: Checked): boolean =>
  isUnderWay(change.state) || (change.state === "proposed" && ["waiting", "running"].includes(change.early_check?.state ?? ""));

/** What is shown of an early check: only the operator's decision is made with it in mind. */
export const shownCheck = ({ state, early_check: check }: Checked): EarlyCheck | undefined =>
  state === "proposed" || state === "approved" ? check : undefined;

/** True if a check has ended, and the base has another tip by now than the one that it ran on. */
export const isOutdated = ({ state, onto }: EarlyCheck, tip: string | undefined): boolean =>
  state !== "waiting" && state !== "running" && onto !== undefined && tip !== undefined && tip !== onto;

export const CHECK_WORDS: Record<EarlyCheck["state"], string> = {
  waiting: "check waits",
  running: "check runs",
  passed: "check passed",
  failed: "check failed",
  conflict: "conflicts",
  error: "no check",
};
