import { Fragment, type ReactNode } from "react";
import { budgetAmount } from "../../src/wire/budget-kinds.ts";
import type { BudgetRow } from "../../src/wire/budget.ts";
import { costWords } from "../../src/wire/cost.ts";
import { DEFAULT_CREDENTIAL } from "../../src/wire/default-credential.ts";
import type { CredentialView } from "../../src/wire/model-credentials.ts";
import type { Output } from "../../src/wire/operations.ts";
import type { PlanView } from "../../src/wire/plan.ts";
import { Allowed } from "../kit/allowed.tsx";
import { OpenLink } from "../kit/open-link.tsx";
import { PlanBars } from "../kit/plan-bars.tsx";
import { rowWords } from "../lib/limits.ts";
import { useHive } from "../lib/store.ts";
import { count, visible } from "../lib/text.ts";

/** Where each credential comes from. */
const SOURCES: Readonly<Record<CredentialView["source"], string>> = {
  token: "kept by the hive",
  file: "read from a file",
  environment: "from the daemon’s environment",
  login: "from the log-in",
  none: "none: the hive rehearses",
  rehearsal: "HIVE_REHEARSAL=1: the hive rehearses",
  missing: "missing",
};

interface CredentialRowProps {
  credential: CredentialView;
  /** The bars of its subscription. */
  plan: readonly PlanView[];
  limits: readonly BudgetRow[];
  /** What each agent has used of it in the last `days` days. */
  used: Output<"usage_sums">["rows"];
  days: number;
  onRemove: () => void;
}

/** One credential: where it comes from, which agents use it and have used it, its limits, and the bars of its plan. */
export function CredentialRow({ credential, plan, limits, used, days, onRemove }: CredentialRowProps): ReactNode {
  const { name, source, file, problem, by, at, agents } = credential;
  return (
    <li>
      <div className="limit">
        <span className="words">
          <b>{visible(name)}</b> {problem !== undefined && <span className="red">{visible(problem)}</span>}
          <div className="dim small">
            {visible(file ?? SOURCES[source])}
            {at !== undefined && ` · set ${at.slice(0, 10)} by ${visible(by ?? "")}`}
          </div>
        </span>
        {name !== DEFAULT_CREDENTIAL && source !== "missing" && (
          <Allowed to="credential_remove">
            <button type="button" className="ghost" onClick={onRemove}>
              remove<span className="sr"> {visible(name)}</span>
            </button>
          </Allowed>
        )}
      </div>
      {plan.length > 0 && <PlanBars plan={plan} />}
      <dl className="facts small">
        <dt>agents</dt>
        <dd>{agents.length === 0 ? <span className="dim">none</span> : <Names of={agents} />}</dd>
        <dt>{days} days</dt>
        <dd>
          {used.length === 0 && <span className="dim">not used</span>}
          {used.map((row) => (
            <div key={row.agent}>
              <Turns of={row.agent ?? ""} />{" "}
              <span className="dim">
                {costWords(row.cost_usd, row.unpriced)} · {count(row.requests)} {row.requests === 1 ? "answer" : "answers"}
              </span>
            </div>
          ))}
        </dd>
        <dt>limits</dt>
        <dd>
          {limits.map((row) => (
            <div key={row.limit}>
              {rowWords(row)} {row.used !== undefined && <span className="dim">· {budgetAmount(row.limit, row.used)} used</span>}
            </div>
          ))}
          <OpenLink open={`limits:credential:${name}`}>
            {limits.length === 0 ? "set one" : "change"}
            <span className="sr"> for the limits of {visible(name)}</span>
          </OpenLink>
        </dd>
      </dl>
    </li>
  );
}

function Names({ of }: { of: readonly string[] }): ReactNode {
  return of.map((name, n) => (
    <Fragment key={name}>
      {n > 0 && ", "}
      <Turns of={name} />
    </Fragment>
  ));
}

/** An agent. Its turns say which credential each had; one that was destroyed is only named. */
function Turns({ of }: { of: string }): ReactNode {
  const isKnown = useHive((state) => state.agents.has(of));
  return isKnown ? (
    <OpenLink open={`turns:${of}`} title={visible(`the turns of ${of}`)}>
      {visible(of)}
    </OpenLink>
  ) : (
    visible(of)
  );
}
