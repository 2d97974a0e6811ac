import type { ReactNode } from "react";
import { costWords, dollars } from "../../src/wire/cost.ts";
import type { LoopView } from "../../src/wire/loops.ts";
import type { Output } from "../../src/wire/operations.ts";
import { Allowed } from "../kit/allowed.tsx";
import { Action } from "../kit/button.tsx";
import { Hivectl } from "../kit/hivectl.tsx";
import { OpenLink } from "../kit/open-link.tsx";
import { Panel } from "../kit/panel.tsx";
import { Who } from "../kit/text.tsx";
import { Age } from "../kit/time.tsx";
import { call } from "../lib/api.ts";
import { count } from "../lib/text.ts";

interface LoopsProps {
  /** The loops that are shown: at least one. */
  loops: readonly LoopView[];
  limit: Output<"loops">["limit"];
  /** Fetches them again, after one was let go on. */
  again: () => Promise<void>;
}

/** Agents that message one another in circles: who, how often, at what cost; and the button that lets a held one go on. */
export function Loops({ loops, limit, again }: LoopsProps): ReactNode {
  const letGo = async (chain: number): Promise<string> => {
    await call("chain_resume", { chain });
    await again();
    return "the chain goes on";
  };
  return (
    <Panel leet="L00PS" label="loops" note={loops.length}>
      <div className="scroll">
        {loops.map((loop) => (
          <div key={loop.chain} className="row loop">
            <div className="l1">
              <Way agents={loop.agents} />
              <span className="grow" />
              {loop.held && (
                <Allowed to="chain_resume">
                  <Action kind="go" run={() => letGo(loop.chain)}>
                    let it go on
                  </Action>
                </Allowed>
              )}
            </div>
            <div className={`status ${loop.held ? "amber" : "dim"}`}>
              {loop.held ? "held: " : ""}
              {loop.rounds === 1 ? "1 round" : `${loop.rounds} rounds`}, {costWords(loop.cost_usd, loop.unpriced)},{" "}
              {count(loop.output_tokens)} output tokens{" "}
              <span className="faint">
                · <Age since={loop.last_at} /> ago · <OpenLink open={`thread:${loop.chain}`}>its first message</OpenLink>
              </span>
            </div>
          </div>
        ))}
        <p className="dim small asks-at">
          A loop asks at {dollars(limit.usd)} or {count(limit.output_tokens)} output tokens. In the terminal:{" "}
          <Hivectl>loops</Hivectl>
        </p>
      </div>
    </Panel>
  );
}

function Way({ agents }: { agents: readonly string[] }): ReactNode {
  return (
    <span className="way">
      {agents.map((name, n) => (
        <span key={n}>
          {n > 0 && <span className="faint"> → </span>}
          <Who name={name} />
        </span>
      ))}
    </span>
  );
}
