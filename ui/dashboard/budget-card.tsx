import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { budgetAmount, budgetLimit, fittingRaise } from "../../src/wire/budget-kinds.ts";
import type { OverBudget } from "../../src/wire/budget.ts";
import type { Input } from "../../src/wire/operations.ts";
import { AllowedOrWhy } from "../kit/allowed.tsx";
import { Action } from "../kit/button.tsx";
import { Who } from "../kit/text.tsx";
import { Age, Minute } from "../kit/time.tsx";
import { call } from "../lib/api.ts";
import { visible } from "../lib/text.ts";

/** A limit that is reached: what it stops, how much is used, and what the operator can do. */
export function BudgetCard({ over }: { over: OverBudget }): ReactNode {
  const { scope, agent, credential, change, limit, used, allowed, raise, since, resets_at: resets } = over;
  // The daemon knows which agent works on a change.
  const whose =
    change !== undefined ? { change } : credential !== undefined ? { credential } : agent !== undefined ? { agent } : {};
  const answer = (given: Input<"budget_answer">["answer"], words: string, by?: number) => async (): Promise<string> => {
    await call("budget_answer", { scope, limit, answer: given, by, ...whose });
    return words;
  };
  const fitting = fittingRaise(limit, allowed, raise);
  const goesOn = agent === undefined ? "the agents go on" : `${agent} goes on`;
  const name = change === undefined ? (credential === undefined ? agent : `the credential ${credential}`) : `change ${change}`;
  const isForChange = scope === "change";
  const period = isForChange ? "this change" : "the running period";
  return (
    <article className="card budget" tabIndex={-1} aria-label={`budget of ${visible(name ?? "the hive")}`}>
      <div>
        <span className="amber">over budget</span> ·{" "}
        {agent === undefined ? visible(name ?? "the whole hive") : <Who name={agent} />}
        {isForChange && (
          <>
            {" "}
            with{" "}
            <Link to="/change/$id" params={{ id: String(change) }}>
              change {change}
            </Link>
          </>
        )}{" "}
        <span className="dim">
          <Age since={since} /> ago
        </span>
        <p>
          {budgetAmount(limit, used)} used of {budgetLimit(limit, allowed)}.{" "}
          {scope === "hive" ? "Every agent waits" : scope === "credential" ? "Its agents wait" : "The agent waits"}, and no
          message is lost
          {resets === undefined ? (
            "."
          ) : (
            <>
              ; it counts anew at <Minute at={resets} />.
            </>
          )}
        </p>
      </div>
      <AllowedOrWhy to="budget_answer">
        <div className="foot">
          {fitting !== undefined && (
            <Action kind="go" title={`as much as the limit again, for ${period}`} run={answer("raise", goesOn, fitting)}>
              +{budgetAmount(limit, fitting)}
            </Action>
          )}
          <Action
            kind={fitting === undefined ? "go" : "ghost"}
            title={`more of the same limit, for ${period}`}
            run={answer("raise", goesOn)}
          >
            +{budgetAmount(limit, raise)}
          </Action>
          <Action
            kind="ghost"
            title={isForChange ? "the limit does not count as long as the change is open" : "the limit does not count until then"}
            run={answer("lift", `${goesOn}, without this limit ${isForChange ? "for this change" : "until midnight"}`)}
          >
            {isForChange ? "no limit for this change" : "no limit until midnight"}
          </Action>
          <Action
            kind="no"
            title={resets === undefined ? "it waits until you raise the limit" : "it waits until the limit counts anew"}
            run={answer("stop", "it waits")}
          >
            stop
          </Action>
        </div>
      </AllowedOrWhy>
    </article>
  );
}
