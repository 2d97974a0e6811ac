import { costWords } from "../../src/wire/cost.ts";
import { DEFAULT_CREDENTIAL } from "../../src/wire/default-credential.ts";
import { Fragment, useCallback, useState, type ReactNode } from "react";
import type { UsageFigures, UsageRow } from "../../src/wire/history-operations.ts";
import { Action } from "../kit/button.tsx";
import { Empty } from "../kit/panel.tsx";
import { Who } from "../kit/text.tsx";
import { call } from "../lib/api.ts";
import { useFetched } from "../lib/fetched.ts";
import { useHive } from "../lib/store.ts";
import { daysOf } from "../lib/usage.ts";
import { count, visible } from "../lib/text.ts";

/** Days shown per press. */
const PAGE = 14;

/** Usage of one agent or all agents: a row per day and model, a sum per day and a total. */
export function Cost({ name }: { name?: string }): ReactNode {
  // Fetch again when the displayed figure changes, not with each answer of the model.
  const today = useHive((state) => count((name === undefined ? state.hive : state.agents.get(name))?.tokens_today ?? 0));
  const ask = name === undefined ? {} : { agent: name };
  const { value, error } = useFetched(
    useCallback(() => call("usage", { ...(name === undefined ? {} : { agent: name }), limit: PAGE }), [name]),
    today,
  );
  const [older, setOlder] = useState<{ rows: readonly UsageRow[]; more: boolean }>();
  if (!value) return <Empty>{error ?? "loading…"}</Empty>;
  if (value.rows.length === 0) return <Empty>{name === undefined ? "No agent" : visible(name)} has used a model yet.</Empty>;
  const last = value.rows.at(-1)?.day ?? "";
  const rows = [...value.rows, ...(older?.rows ?? []).filter((row) => row.day < last)];
  const more = async (): Promise<void> => {
    const next = await call("usage", { ...ask, limit: PAGE, before: rows.at(-1)?.day ?? last });
    setOlder({ rows: [...(older?.rows ?? []), ...next.rows], more: next.more });
  };
  const isForAll = name === undefined;
  return (
    <div className="drawer-body">
      <p className="dim small">
        Days are those of {visible(value.time_zone)}. “unpriced” means that the model has no price; no sum includes it.
      </p>
      <div className="scrollx" tabIndex={0} role="region" aria-label="tokens and cost by day">
        <table className="turns usage">
          <thead>
            <tr>
              <th scope="col">day</th>
              <th scope="col">{isForAll ? "agent, model" : "model"}</th>
              <Heads />
            </tr>
          </thead>
          <tbody>
            {daysOf(rows).map(({ day, rows: ofDay, sum }) => (
              <Fragment key={day}>
                {ofDay.map((row, n) => (
                  <tr key={`${row.agent} ${row.model} ${row.credential}`}>
                    <th scope="row">{n === 0 ? day : <span className="sr">{day}</span>}</th>
                    <td>
                      {isForAll && (
                        <div>
                          <Who name={row.agent} />
                        </div>
                      )}
                      {visible(row.model)}
                      {row.credential !== DEFAULT_CREDENTIAL && <span className="dim"> · {visible(row.credential)}</span>}
                      <Tokens of={row} />
                    </td>
                    <Cells of={row} />
                  </tr>
                ))}
                {ofDay.length > 1 && <Sum words={`all of ${day}`} of={sum} />}
              </Fragment>
            ))}
          </tbody>
          <tfoot>
            <Sum words="all days" of={value.total} />
          </tfoot>
        </table>
      </div>
      {(older?.more ?? value.more) && (
        <Action kind="ghost" run={more}>
          older days
        </Action>
      )}
    </div>
  );
}

function Heads(): ReactNode {
  return ["cost", ...KINDS].map((words) => (
    <th key={words} scope="col" className={words === "cost" ? "n" : "n wide"}>
      {words}
    </th>
  ));
}

function Sum({ words, of }: { words: string; of: UsageFigures }): ReactNode {
  return (
    <tr className="sum">
      <th scope="row" colSpan={2}>
        {words}
        <Tokens of={of} />
      </th>
      <Cells of={of} />
    </tr>
  );
}

function Cells({ of }: { of: UsageFigures }): ReactNode {
  return (
    <>
      <td className={`n cost ${of.unpriced > 0 ? "amber" : ""}`}>{costWords(of.cost_usd, of.unpriced)}</td>
      {kindsOf(of).map((tokens, n) => (
        <td key={KINDS[n]} className="n wide">
          {count(tokens)}
        </td>
      ))}
    </>
  );
}

/** The tokens on one line: a phone has no room for a column of each kind. */
function Tokens({ of }: { of: UsageFigures }): ReactNode {
  return (
    <ul className="plain narrow tokens">
      {kindsOf(of).map((tokens, n) => (
        <li key={KINDS[n]}>
          {KINDS[n]} {count(tokens)}
        </li>
      ))}
    </ul>
  );
}

const KINDS = ["input", "output", "cache read", "cache write"] as const;
const kindsOf = ({ tokens }: UsageFigures): number[] => [tokens.input, tokens.output, tokens.cache_read, tokens.cache_write];
