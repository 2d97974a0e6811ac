import type { ReactNode } from "react";
import { CHECK_WORDS, isOutdated, shownCheck } from "../../src/wire/change-checks.ts";
import type { ChangeView, EarlyCheck } from "../../src/wire/work.ts";
import { FoldedError } from "../kit/folded.tsx";
import { short } from "../lib/approvals.ts";
import { useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";
import { tipOf } from "./groups.ts";

const COLOURS: Record<EarlyCheck["state"], string> = {
  waiting: "dim",
  running: "mauve",
  passed: "green",
  failed: "red",
  conflict: "red",
  error: "amber",
};

/** The result of the check before the decision, as a chip. Nothing without one. */
export function CheckBadge({ change }: { change: ChangeView }): ReactNode {
  const check = shownCheck(change);
  if (check === undefined) return null;
  return (
    <span className={`chip ${COLOURS[check.state]}`}>
      {check.state === "running" && <span className="dot live" aria-hidden="true" />}
      {CHECK_WORDS[check.state]}
    </span>
  );
}

/** What the check before the decision ran on, and why it failed. */
export function CheckResult({ change }: { change: ChangeView }): ReactNode {
  const tip = useHive((state) => tipOf(state.repos.get(change.repo), change.base));
  const check = shownCheck(change);
  if (check === undefined) return null;
  const { state, onto, reason } = check;
  return (
    <div className="ended">
      {onto !== undefined && (
        <p className="dim">
          {CHECK_WORDS[state]} on a merge onto {visible(change.base)} at {short(onto)}
          {isOutdated(check, tip) && <span className="amber"> · {visible(change.base)} has moved since</span>}
        </p>
      )}
      {reason !== undefined && state !== "passed" && <FoldedError text={reason} />}
    </div>
  );
}
