import { costWords } from "../../src/wire/cost.ts";
import { Link, useNavigate } from "@tanstack/react-router";
import { memo, useState, type ReactNode } from "react";
import type { AgentView } from "../../src/wire/agent.ts";
import { shownWork } from "../../src/wire/words.ts";
import { Allowed } from "../kit/allowed.tsx";
import { Action } from "../kit/button.tsx";
import { Hivectl } from "../kit/hivectl.tsx";
import { Confirm } from "../kit/lazy.tsx";
import { OpenLink } from "../kit/open-link.tsx";
import { Empty, Panel } from "../kit/panel.tsx";
import { StateBadge } from "../kit/state-badge.tsx";
import { Age } from "../kit/time.tsx";
import { toast } from "../kit/toast.tsx";
import { ApiError, call } from "../lib/api.ts";
import { short } from "../lib/approvals.ts";
import { useFetched } from "../lib/fetched.ts";
import { useHive } from "../lib/store.ts";
import { count, duration, visible } from "../lib/text.ts";
import { sizeText } from "../../src/wire/size-text.ts";
import { RESULT_CLASS } from "../lib/turn-result.ts";
import { WorkChip } from "../kit/work.tsx";
import { RowActions } from "./row-actions.tsx";

export const byRank = (a: AgentView, b: AgentView): number =>
  Number(b.role === "manager") - Number(a.role === "manager") || (a.name < b.name ? -1 : 1);

/** The agents of the hive. */
export function Containers(): ReactNode {
  const agents = useHive((state) => state.agents);
  const live = [...agents.values()].filter((agent) => !agent.destroyed).sort(byRank);
  const stale = live.filter((agent) => agent.needs_update);
  const navigate = useNavigate();
  return (
    <Panel
      leet="C0NTAINERS"
      label="agents"
      note={live.length}
      className="fill"
      actions={
        <>
          {stale.length > 0 && (
            <Allowed to="update">
              <Action kind="ghost" run={() => updateAll(stale.map((agent) => agent.name))}>
                update all ({stale.length})
              </Action>
            </Allowed>
          )}
          <Allowed to="request_spawn">
            <button
              type="button"
              className="ghost"
              onClick={() => void navigate({ to: "/", search: (search) => ({ ...search, open: "spawn" }) })}
            >
              + <span className="wide">request </span>spawn
            </button>
          </Allowed>
        </>
      }
    >
      <div className="scroll" tabIndex={0} role="group" aria-label="agents">
        <div role={live.length > 0 ? "list" : undefined}>
          {live.map((agent) => (
            <Row key={agent.id} agent={agent} />
          ))}
        </div>
        {live.length <= 1 && (
          <Empty>
            {live.length === 0 ? "There are no agents yet. " : "The manager is the only agent. "}
            Ask it for another, request one here, or type <Hivectl>spawn scout</Hivectl>.
          </Empty>
        )}
      </div>
    </Panel>
  );
}

async function updateAll(names: string[]): Promise<string> {
  const { results } = await call("update", { scope: { agent_names: names } });
  const failed = results.filter((result) => !result.ok);
  if (failed.length > 0) throw new ApiError("conflict", failed.map((one) => `${one.name}: ${one.error ?? "failed"}`).join("; "));
  return "agents update one by one, between turns";
}

/** The agent's status, or the reason for its state: plain text, cut at its end. Hovering shows all of it. */
function Said({ agent }: { agent: AgentView }): ReactNode {
  const isWrong = agent.state === "failed" || agent.state === "needs_login" || agent.state === "offline";
  // A rate limit, or a pause after a failure that may pass.
  const reason = isWrong || agent.resumes_at !== undefined ? agent.state_reason : undefined;
  const words = visible(reason ?? agent.status_text ?? "");
  return (
    <span className={`said ${reason === undefined ? "" : agent.state === "failed" ? "red" : "amber"}`} title={words}>
      {words}
    </span>
  );
}

/** An agent on two lines, plus a line for each warning. */
const Row = memo(function Row({ agent }: { agent: AgentView }): ReactNode {
  const work = shownWork(agent.work);
  return (
    <article className="row" role="listitem" aria-label={agent.name}>
      <div className="l1">
        <Link to="/agent/$name" params={{ name: agent.name }} className="name" title={agent.name}>
          {agent.name}
        </Link>
        <StateBadge agent={agent} />
        {agent.model && (
          <span className="chip model wide" title={visible(agent.model)}>
            {visible(agent.model)}
          </span>
        )}
        {work && <WorkChip work={work} />}
        {agent.unread > 0 && (
          <span className="unread-count amber">
            <span className="narrow" aria-hidden="true">
              ✉{" "}
            </span>
            {agent.unread}
            <span className="words"> unread</span>
          </span>
        )}
        <span className="grow" />
        <RowActions agent={agent} />
      </div>
      {/* Rendered even when empty, so that a row does not grow when its agent sets its status. */}
      <div className="l2">
        <Said agent={agent} />
        {agent.last_turn && (
          <span className={RESULT_CLASS[agent.last_turn.result]} title={`last turn: ${visible(agent.last_turn.reason)}`}>
            <span className="sr">last turn </span>
            {duration(agent.last_turn.duration_ms)}
          </span>
        )}
        <Link
          to="/"
          search={(search) => ({ ...search, open: `cost:${agent.name}` })}
          className="chip cost"
          title={`today ${count(agent.tokens_today)} tok, ${costWords(agent.cost_today_usd, agent.unpriced_today)}; tokens and cost by day`}
        >
          {costWords(agent.cost_today_usd, agent.unpriced_today)}
          <span className="sr"> today</span>
        </Link>
        {agent.needs_update && <span className="chip amber">needs update</span>}
        {agent.needs_login && (
          <OpenLink open="login" className="chip amber">
            needs login
          </OpenLink>
        )}
        {agent.deployed_sha && (
          <Link
            to="/"
            search={(search) => ({ ...search, open: `deploys:${agent.name}` })}
            className="chip sha wide"
            title={`deployed commit ${visible(agent.deployed_sha)}`}
          >
            {short(agent.deployed_sha)}
          </Link>
        )}
      </div>
      {agent.warnings.map((words) => (
        <div key={words} className="said amber" title={visible(words)}>
          {visible(words)}
        </div>
      ))}
    </article>
  );
});

const tombstones = () => call("tombstones", {});

/** Destroyed agents whose notes and history are kept. */
export function KeptState(): ReactNode {
  const agents = useHive((state) => state.agents);
  const kept = [...agents.values()].filter((agent) => agent.destroyed).sort(byRank);
  if (kept.length === 0) return null;
  return <Kept kept={kept} />;
}

function Kept({ kept }: { kept: readonly AgentView[] }): ReactNode {
  // Fetch again when another agent is destroyed. An open dialog stays open.
  const { value } = useFetched(tombstones, kept.map((agent) => agent.id).join());
  const [purging, setPurging] = useState<string>();
  return (
    <Panel leet="K3PT ST4T3" label="kept state" note={kept.length} className="kept">
      <div className="scroll" role="list">
        {kept.map(({ id, name }) => {
          const stone = value?.agents.find((one) => one.name === name);
          return (
            <div key={id} className="row l1" role="listitem">
              <Link to="/agent/$name" params={{ name }} className="name dim">
                {name}
              </Link>
              <span className="faint">
                {stone && (
                  <>
                    <Age since={stone.destroyed_at} /> · {sizeText(stone.bytes)}
                  </>
                )}
              </span>
              <span className="grow" />
              <Allowed to="revive">
                <Action kind="ghost" run={() => call("revive", { name }).then(() => `${name} is revived`)}>
                  revive
                </Action>
              </Allowed>
              <Allowed to="destroy">
                <button type="button" className="ghost red" onClick={() => setPurging(name)}>
                  purge…
                </button>
              </Allowed>
            </div>
          );
        })}
      </div>
      <Confirm
        isOpen={purging !== undefined}
        onClose={() => setPurging(undefined)}
        title={`purge ${purging ?? ""}?`}
        words="Its notes, its session and its config are removed for good. Messages and turns stay in the history."
      >
        <Action
          kind="no"
          run={async () => {
            if (purging === undefined) return;
            await call("destroy", { name: purging, purge: true });
            setPurging(undefined);
            toast(`${purging} is gone`);
          }}
        >
          purge for good
        </Action>
      </Confirm>
    </Panel>
  );
}
