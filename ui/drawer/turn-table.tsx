import { turnCostWords } from "../../src/wire/cost.ts";
import { Fragment, useCallback, useEffect, useState, type ReactNode } from "react";
import { DEFAULT_CREDENTIAL } from "../../src/wire/default-credential.ts";
import type { TurnRow } from "../../src/wire/history-operations.ts";
import { Action } from "../kit/button.tsx";
import { Empty } from "../kit/panel.tsx";
import { Who } from "../kit/text.tsx";
import { Clock } from "../kit/time.tsx";
import { call } from "../lib/api.ts";
import { useFetched } from "../lib/fetched.ts";
import { useHive } from "../lib/store.ts";
import { count, duration, visible } from "../lib/text.ts";
import { RESULT_CLASS } from "../lib/turn-result.ts";

const PAGE = 100;

/** The turns of an agent: message, result, duration and usage. */
export function TurnTable({ name }: { name: string }): ReactNode {
  const last = useHive((state) => state.agents.get(name)?.last_turn?.turn);
  const { value, error } = useFetched(
    useCallback(() => call("turns", { agent: name, limit: PAGE }), [name]),
    last,
  );
  const [older, setOlder] = useState<readonly TurnRow[]>([]);
  const [isAll, setAll] = useState(false);
  useEffect(() => {
    if (value && value.more !== true) setAll(true);
  }, [value]);
  if (!value) return <Empty>{error ?? "loading…"}</Empty>;
  const first = value.turns.at(-1)?.turn ?? 0;
  const rows = [...value.turns, ...older.filter((row) => row.turn < first)];
  if (rows.length === 0) return <Empty>{visible(name)} has had no turn yet.</Empty>;
  const more = async (): Promise<void> => {
    const { turns, more: isMore } = await call("turns", { agent: name, limit: PAGE, before: rows.at(-1)?.turn ?? 0 });
    setOlder([...older, ...turns]);
    if (isMore !== true) setAll(true);
  };
  return (
    <div className="scrollx" tabIndex={0} role="region" aria-label={`turns of ${visible(name)}`}>
      <table className="turns log-of-turns">
        <thead>
          <tr>
            <th scope="col">turn</th>
            <th scope="col">began</th>
            <th scope="col">from</th>
            <th scope="col" className="n">
              took
            </th>
            <th scope="col" className="n wide">
              tokens
            </th>
            <th scope="col" className="n">
              cost
            </th>
            <th scope="col">end</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Fragment key={row.turn}>
              <tr>
                <td>{row.turn}</td>
                <td className="dim began">
                  <Clock at={row.started_at} />
                </td>
                <td className="who">{row.from === undefined ? "" : <Who name={row.from} />}</td>
                <td className="n">{row.duration_ms === undefined ? "" : duration(row.duration_ms)}</td>
                <td className="n wide">{row.tokens === undefined ? "" : count(row.tokens)}</td>
                <td className="n">
                  {turnCostWords(row.tokens, row.cost_usd)}
                  <Credential row={row} />
                </td>
                <End row={row} />
              </tr>
              <Reason row={row} />
            </Fragment>
          ))}
        </tbody>
      </table>
      {!isAll && (
        <Action kind="ghost" run={more}>
          older
        </Action>
      )}
    </div>
  );
}

/** The credential of a turn, unless it is the hive's own. */
function Credential({ row: { credential = DEFAULT_CREDENTIAL } }: { row: TurnRow }): ReactNode {
  return credential === DEFAULT_CREDENTIAL ? null : <div className="dim small">{visible(credential)}</div>;
}

function End({ row: { result, reason } }: { row: TurnRow }): ReactNode {
  if (result === undefined) return <td className="mauve">running</td>;
  if (result === "ok") return <td className="green">ok</td>;
  return (
    <td className={RESULT_CLASS[result]}>
      <span className="wide">{visible(reason ?? result)}</span>
      <span className="narrow">{result}</span>
    </td>
  );
}

/** Why a turn did not end well, on a line of its own: on a phone the column has no room for it. */
function Reason({ row: { result, reason } }: { row: TurnRow }): ReactNode {
  if (result === undefined || result === "ok" || reason === undefined) return null;
  return (
    <tr className="narrow reason">
      <td colSpan={7} className={RESULT_CLASS[result]}>
        {visible(reason)}
      </td>
    </tr>
  );
}
