import { costWords } from "../../src/wire/cost.ts";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useEffect, useState, type ReactNode } from "react";
import type { AgentView } from "../../src/wire/agent.ts";
import { pauseAgent, startAgent } from "../dashboard/row-actions.tsx";
import { TurnTable } from "../drawer/turn-table.tsx";
import { Allowed, You } from "../kit/allowed.tsx";
import { Action } from "../kit/button.tsx";
import { KeyHelp } from "../kit/key-help.tsx";
import { OpenDrawer } from "../kit/open-drawer.tsx";
import { OpenLink } from "../kit/open-link.tsx";
import { StateBadge } from "../kit/state-badge.tsx";
import { call } from "../lib/api.ts";
import { focusOn } from "../lib/in-sight.ts";
import { useKeys, type Key } from "../lib/keys.ts";
import { useNarrow } from "../lib/narrow.ts";
import { loadTail, useHive } from "../lib/store.ts";
import { count, duration, visible } from "../lib/text.ts";
import { RESULT_CLASS } from "../lib/turn-result.ts";
import { toast } from "../kit/toast.tsx";
import { CancelTurn, isInTurn } from "./cancel.tsx";
import { OverBudgetHere } from "./over-budget.tsx";
import { Prompt } from "./prompt.tsx";
import { QuestionsLine, Side } from "./side.tsx";
import { WorkspaceChanges } from "./workspace-changes.tsx";
import { Files } from "./files.tsx";
import { Tabs, tabOf } from "./tabs.tsx";
import { TailView } from "./tail.tsx";
import { Unready } from "./unready.tsx";

/** The page of an agent: the live tail of its turns, a prompt, and its inbox. Also works for a destroyed agent. */
export function AgentPage(): ReactNode {
  const { name } = useParams({ from: "/agent/$name" });
  const { tab } = useSearch({ from: "/agent/$name" });
  const isNarrow = useNarrow();
  const agent = useHive((state) => state.agents.get(name));
  useEffect(() => {
    document.title = `${agent?.state === "thinking" ? "● " : ""}${visible(name)} · hyperhive`;
  }, [name, agent?.state]);
  const navigate = useNavigate();
  const [isHelp, setHelp] = useState(false);
  const keys: Key[] = [
    { key: "c", words: "write a message", run: () => focusOn(".term textarea") },
    { key: "u", words: "back to the dashboard", run: () => void navigate({ to: "/" }) },
    { key: "?", words: "this list", run: () => setHelp(true) },
  ];
  useKeys(keys);
  const exists = agent !== undefined;
  useEffect(() => {
    if (exists) loadTail(name).catch(() => toast("the history could not be loaded", "error"));
  }, [name, exists]);
  if (!agent) {
    return (
      <main className="loading">
        <p>
          There is no agent <b>{visible(name)}</b> in this hive.
        </p>
        <Link to="/">to the dashboard</Link>
      </main>
    );
  }
  return (
    <>
      <Head agent={agent} onHelp={() => setHelp(true)} />
      <main className="agent-page" data-tab={tab ?? "tail"}>
        <div className="term">
          {!agent.destroyed && <Tabs tab={tabOf(tab)} />}
          {agent.destroyed ? <TailView key={name} agent={agent} /> : <Part agent={agent} />}
          <Unready agent={agent} />
          <OverBudgetHere agent={agent} />
          {isNarrow && <QuestionsLine name={name} />}
          <Prompt key={`prompt-${name}`} agent={agent} />
        </div>
        <Side agent={agent} />
      </main>
      <OpenDrawer />
      <KeyHelp keys={keys} isOpen={isHelp} onClose={() => setHelp(false)} />
    </>
  );
}

/** The tab that the address names. */
function Part({ agent }: { agent: AgentView }): ReactNode {
  const { tab, path = "/" } = useSearch({ from: "/agent/$name" });
  const { name } = agent;
  switch (tabOf(tab)) {
    case "changes":
      return <WorkspaceChanges key={name} name={name} />;
    case "files":
      return <Files name={name} path={path} />;
    case "turns":
      return (
        <section className="files" aria-label={`all turns of ${name}`}>
          <div className="scroll">
            <TurnTable name={name} />
          </div>
        </section>
      );
    case "tail":
      return <TailView key={name} agent={agent} />;
  }
}

function Head({ agent, onHelp }: { agent: AgentView; onHelp: () => void }): ReactNode {
  const { name } = agent;
  const hive = useHive((state) => state.hive);
  const navigate = useNavigate();
  const open = (what: string) => () =>
    void navigate({ to: "/agent/$name", params: { name }, search: (search) => ({ ...search, open: `${what}:${name}` }) });
  const { tab } = useSearch({ from: "/agent/$name" });
  const isNarrow = useNarrow();
  return (
    <header className="head">
      <div>
        <Link to="/" className="dim">
          ← hive
        </Link>
        <h1>{name}</h1>
        <StateBadge agent={agent} />
        <Figures agent={agent} />
        {(hive.mode === "rehearsal" || agent.needs_login) && (
          <OpenLink open="login" className={`chip ${agent.needs_login ? "amber" : "cyan"}`} title="log in to the model">
            {agent.needs_login ? "log in" : "rehearsal"}
          </OpenLink>
        )}
        <span className="grow" />
        <You />
        {!isNarrow && <CancelTurn agent={agent} />}
        {!agent.destroyed && agent.running && (
          <Allowed to="set_paused">
            <Action kind="ghost" run={() => pauseAgent(agent)}>
              {agent.paused ? "resume" : "pause"}
            </Action>
          </Allowed>
        )}
        {!agent.destroyed && !agent.running && (
          <Allowed to="start">
            <Action run={() => startAgent(name)}>start</Action>
          </Allowed>
        )}
        {/* On a phone it replaces a button of the same width, so that no row of buttons appears and disappears with
            a turn. */}
        {isNarrow && <CancelTurn agent={agent} />}
        {agent.running && !(isNarrow && isInTurn(agent)) && (
          <Allowed to="new_session">
            <Action kind="ghost" run={() => call("new_session", { name }).then(() => "a new session begins with the next turn")}>
              new session
            </Action>
          </Allowed>
        )}
        <Link
          to="."
          search={(search) => ({ ...search, tab: tab === "side" ? undefined : "side" })}
          className="ghost narrow"
          aria-current={tab === "side" ? "page" : undefined}
        >
          {tab === "side" ? "tail" : agent.unread > 0 ? `inbox ${agent.unread}` : "about"}
        </Link>
        <button type="button" className="ghost" onClick={open("logs")}>
          logs
        </button>
        <button type="button" className="ghost" onClick={open("config")}>
          config
        </button>
        <button type="button" className="ghost wide" aria-label="keys" title="keys" onClick={onHelp}>
          ?
        </button>
      </div>
      {/* Rendered even when empty, so that the tail below does not move when the agent sets its status. */}
      <div className="dim second">
        {agent.state_reason ? (
          <span className={`status ${agent.state === "failed" ? "red" : "amber"}`} title={visible(agent.state_reason)}>
            {visible(agent.state_reason)}
          </span>
        ) : (
          agent.status_text && <span className="status">“{visible(agent.status_text)}”</span>
        )}
      </div>
    </header>
  );
}

/** Figures of the last turn and the session. A line of their own on a phone. */
function Figures({ agent }: { agent: AgentView }): ReactNode {
  return (
    <span className="figures">
      {agent.last_turn && (
        <span className={`chip ${RESULT_CLASS[agent.last_turn.result]}`}>last turn {duration(agent.last_turn.duration_ms)}</span>
      )}
      {agent.model && <span className="chip">{visible(agent.model)}</span>}
      {agent.context_tokens !== undefined && (
        <span className="chip">
          ctx {count(agent.context_tokens)}
          {agent.context_window === undefined ? "" : ` / ${count(agent.context_window)}`}
        </span>
      )}
      <Link
        to="."
        search={(search) => ({ ...search, open: `cost:${agent.name}` })}
        className="chip cost"
        title="tokens and cost by day"
      >
        {costWords(agent.cost_today_usd, agent.unpriced_today)} today
      </Link>
      {agent.deployed_sha && <span className="chip sha">{visible(agent.deployed_sha)}</span>}
    </span>
  );
}
