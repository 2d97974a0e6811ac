import type { ReactNode } from "react";
import type { PlanView } from "../../src/wire/plan.ts";
import { visible } from "../lib/text.ts";
import { Until } from "./time.tsx";

const percent = (used: number): number => Math.round(used * 100);

/** A window, and whose it is if it is not of the hive's own credential. */
const nameOf = ({ window, credential }: Pick<PlanView, "window" | "credential">): string =>
  credential === undefined ? window : `${credential} ${window}`;

/** The limits of the subscription, as the newest answer of the model has told them: a bar for each window. */
export function PlanBars({ plan }: { plan: readonly PlanView[] }): ReactNode {
  return (
    <div className="plan" role="group" aria-label="limits of the subscription">
      {plan.map(({ window, used, credential, resets_at: resets }) => (
        <label key={`${credential ?? ""} ${window}`}>
          <span>{visible(nameOf({ window, credential }))}</span>
          <meter min={0} max={1} high={0.8} optimum={0} value={Math.min(1, used)} />
          <span>{percent(used)} %</span>
          <span className="dim">
            {resets !== undefined && (
              <>
                anew in <Until at={resets} />
              </>
            )}
          </span>
        </label>
      ))}
    </div>
  );
}

/** The window of the subscription that is used most, in few words. */
export function fullest(plan: readonly PlanView[]): string | undefined {
  const most = plan.toSorted((a, b) => b.used - a.used)[0];
  return most && `${visible(nameOf(most))} ${percent(most.used)} %`;
}
