import { useCallback, useState, type ReactNode } from "react";
import type { BudgetRow, OverBudget } from "../../src/wire/budget.ts";
import { DEFAULT_CREDENTIAL } from "../../src/wire/default-credential.ts";
import { AllowedOrWhy } from "../kit/allowed.tsx";
import { OpenLink } from "../kit/open-link.tsx";
import { Empty } from "../kit/panel.tsx";
import { call } from "../lib/api.ts";
import { useFetched } from "../lib/fetched.ts";
import { bySubject, subjectKey, subjectOf, subjectOfRow, subjectWords, type Subject } from "../lib/limits.ts";
import { useHive } from "../lib/store.ts";
import { count, visible } from "../lib/text.ts";
import { LimitRow } from "./limit-row.tsx";
import { SetLimit } from "./set-limit.tsx";

/**
 * What agents may spend: every limit with what is used of it, and with what an operator can do about it. With `of`, only
 * what concerns this agent (`agent:scout`), credential (`credential:work`) or change (`change:12`).
 */
export function Limits({ of = "" }: { of?: string | undefined }): ReactNode {
  const subject = subjectOf(of);
  // The figures change with each answer of the model: fetch again when those that are displayed do.
  const mark = useHive(({ hive, agents }) =>
    [
      count(hive.tokens_today),
      hive.over_budget?.length ?? 0,
      [...agents.values()].map((agent) => agent.deployed_sha ?? "").join(),
    ].join(" "),
  );
  const { value, error, again } = useFetched(
    useCallback(() => call("budget", {}), []),
    mark,
  );
  const credential = useHive(({ agents }) =>
    subject?.scope === "agent" ? (agents.get(subject.agent)?.credential ?? DEFAULT_CREDENTIAL) : "",
  );
  const [opened, setOpened] = useState<string>();
  if (!value) return <Empty>{error ?? "loading…"}</Empty>;
  const rows = value.rows.filter((row) => concerns(row, subject, credential));
  return (
    <div className="drawer-body form">
      <p className="dim">
        At a limit agents wait, and no message is lost. Days are those of {visible(value.time_zone)}.{" "}
        {subject === undefined ? (
          <OpenLink open="credentials">credentials for the model</OpenLink>
        ) : (
          <OpenLink open="limits">every limit</OpenLink>
        )}
      </p>
      {rows.length === 0 && <p className="dim small">There is no limit{subject && ` of ${visible(subjectWords(subject))}`}.</p>}
      {bySubject(rows).map(([key, own]) => (
        <section key={key} className="limits" aria-label={visible(titleOf(own))}>
          <h3>{visible(titleOf(own))}</h3>
          <ul className="plain">
            {own.map((row) => (
              <LimitRow
                key={row.limit}
                row={row}
                all={value.rows}
                over={value.over.find((one) => isSame(one, row))}
                isOpen={opened === `${key} ${row.limit}`}
                onOpen={(isOpen) => setOpened(isOpen ? `${key} ${row.limit}` : undefined)}
                onDone={again}
              />
            ))}
          </ul>
        </section>
      ))}
      <AllowedOrWhy to="budget_set">
        <SetLimit of={subject} onSet={again} />
      </AllowedOrWhy>
    </div>
  );
}

/**
 * True if a row stops what the drawer is about. The hive's limits concern every agent, its changes too, and those of its
 * credential the agent.
 */
function concerns(row: BudgetRow, of: Subject | undefined, credential: string): boolean {
  if (of === undefined) return true;
  if (of.scope === "agent" && row.scope === "credential") return row.credential === credential;
  if (of.scope === "agent") return row.scope === "hive" || row.agent === of.agent;
  return subjectKey(subjectOfRow(row)) === subjectKey(of);
}

const isSame = (over: OverBudget, row: BudgetRow): boolean =>
  over.limit === row.limit && subjectKey(subjectOfRow(over)) === subjectKey(subjectOfRow(row));

/** Whose limits a group of rows has. A change has the name of its agent. */
function titleOf([row]: readonly BudgetRow[]): string {
  if (!row) return "";
  return `${subjectWords(subjectOfRow(row))}${row.scope === "change" ? ` of ${row.agent ?? ""}` : ""}`;
}
