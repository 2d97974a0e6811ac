import type { ReactNode } from "react";
import { costWords } from "../../src/wire/cost.ts";
import type { UsageFigures, UsageKey, UsageSumRow } from "../../src/wire/history-operations.ts";
import { OpenLink } from "../kit/open-link.tsx";
import { Empty, Panel } from "../kit/panel.tsx";
import { useHive } from "../lib/store.ts";
import { count, visible } from "../lib/text.ts";

interface SumsProps {
  by: UsageKey;
  leet: string;
  rows: readonly UsageSumRow[];
  total: UsageFigures;
  /** True if the answer had no room for every row. */
  more: boolean;
}

const KINDS = ["input", "output", "cache read", "cache write"] as const;
const kindsOf = ({ tokens }: UsageFigures): number[] => [tokens.input, tokens.output, tokens.cache_read, tokens.cache_write];

/** Usage of a period by one key, with a total: a row per day, agent, model or credential. */
export function Sums({ by, leet, rows, total, more }: SumsProps): ReactNode {
  return (
    <Panel leet={leet} label={`by ${by}`} note={rows.length}>
      <div className="scrollx" tabIndex={0} role="region" aria-label={`tokens and cost by ${by}`}>
        {rows.length === 0 ? (
          <Empty>No model was used in this period.</Empty>
        ) : (
          <table className="usage">
            <thead>
              <tr>
                <th scope="col">{by}</th>
                <th scope="col" className="n">
                  cost
                </th>
                <th scope="col" className="n">
                  share
                </th>
                <th scope="col" className="n wide">
                  requests
                </th>
                {KINDS.map((words) => (
                  <th key={words} scope="col" className="n wide">
                    {words}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row, n) => (
                // Two agents may have had one name: a destroyed one and a later one.
                <tr key={n}>
                  <th scope="row">
                    <Name by={by} row={row} />
                    <Kinds of={row} />
                  </th>
                  <Cells of={row} total={total} />
                </tr>
              ))}
            </tbody>
            <tfoot>
              <tr className="sum">
                <th scope="row">
                  all
                  <Kinds of={total} />
                </th>
                <Cells of={total} total={total} />
              </tr>
            </tfoot>
          </table>
        )}
        {more && <p className="dim small">The list has no room for the rest. “all” counts it.</p>}
      </div>
    </Panel>
  );
}

function Name({ by, row }: { by: UsageKey; row: UsageSumRow }): ReactNode {
  const name = row[by] ?? "";
  // What was removed for good has its name here and nothing to open.
  const isKnown = useHive((state) => by === "agent" && state.agents.has(name));
  return isKnown ? <OpenLink open={`cost:${name}`}>{visible(name)}</OpenLink> : visible(name);
}

function Cells({ of, total }: { of: UsageFigures; total: UsageFigures }): ReactNode {
  return (
    <>
      <td className={`n cost ${of.unpriced > 0 ? "amber" : ""}`}>{costWords(of.cost_usd, of.unpriced)}</td>
      <td className="n dim">{total.cost_usd === 0 ? "" : `${Math.round((100 * of.cost_usd) / total.cost_usd)} %`}</td>
      <td className="n wide">{count(of.requests)}</td>
      {kindsOf(of).map((tokens, n) => (
        <td key={KINDS[n]} className="n wide">
          {count(tokens)}
        </td>
      ))}
    </>
  );
}

/** The tokens on one line: a phone has no room for a column of each kind. */
function Kinds({ of }: { of: UsageFigures }): ReactNode {
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
