import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { CHANGE_WORDS } from "../../src/wire/change-states.ts";
import { costWords } from "../../src/wire/cost.ts";
import type { Output } from "../../src/wire/operations.ts";
import { OpenLink } from "../kit/open-link.tsx";
import { Panel } from "../kit/panel.tsx";
import { count, visible } from "../lib/text.ts";

/** What changes have cost, from the first push to the end of each. */
export function ChangeSums({ rows, more }: Output<"change_usage">): ReactNode {
  return (
    <Panel leet="BY CH4NGE" label="by change" note={rows.length}>
      <div className="scrollx" tabIndex={0} role="region" aria-label="tokens and cost by change">
        <table className="usage">
          <thead>
            <tr>
              <th scope="col">change</th>
              <th scope="col" className="wide">
                agent
              </th>
              <th scope="col" className="wide">
                state
              </th>
              <th scope="col" className="n">
                cost
              </th>
              <th scope="col" className="n wide">
                turns
              </th>
              <th scope="col" className="n">
                tokens
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.change}>
                <th scope="row">
                  <Link to="/change/$id" params={{ id: String(row.change) }}>
                    #{row.change} {visible(row.repo)}: {visible(row.title)}
                  </Link>
                </th>
                <td className="wide">{visible(row.agent)}</td>
                <td className="wide">{CHANGE_WORDS[row.state]}</td>
                <td className={`n cost ${row.unpriced > 0 ? "amber" : ""}`}>{costWords(row.cost_usd, row.unpriced)}</td>
                <td className="n wide">{count(row.turns)}</td>
                <td className="n">{count(row.tokens)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <p className="dim small">
          The turns of its agent from the first push to the end of the change. A turn that two changes share counts for both.{" "}
          <OpenLink open="limits">Limits</OpenLink>
          {more && " The list has no room for the rest."}
        </p>
      </div>
    </Panel>
  );
}
