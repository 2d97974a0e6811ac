import { Menu } from "@base-ui/react/menu";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState, type FormEvent, type ReactNode } from "react";
import type { AgentView } from "../../src/wire/agent.ts";
import { Action } from "../kit/button.tsx";
import { Confirm, Sheet } from "../kit/dialog.tsx";
import { Empty, Panel } from "../kit/panel.tsx";
import { StateBadge } from "../kit/state-badge.tsx";
import { Words } from "../kit/text.tsx";
import { toast } from "../kit/toast.tsx";
import { ApiError, call } from "../lib/api.ts";
import { useHive } from "../lib/store.ts";
import { count, dollars, duration } from "../lib/text.ts";

const byRank = (a: AgentView, b: AgentView): number =>
  Number(b.role === "manager") - Number(a.role === "manager") || a.name.localeCompare(b.name);

/** Who lives here. */
export function Containers(): ReactNode {
  const agents = useHive((state) => state.agents);
  const live = [...agents.values()].filter((agent) => !agent.destroyed).sort(byRank);
  const [isSpawning, setSpawning] = useState(false);
  return (
    <Panel
      leet="C0NTAINERS"
      label="containers"
      note={live.length}
      className="fill"
      actions={
        <button type="button" className="ghost" onClick={() => setSpawning(true)}>
          + spawn
        </button>
      }
    >
      <div className="scroll" role="list">
        {live.map((agent) => (
          <Row key={agent.id} agent={agent} />
        ))}
        {live.length <= 1 && (
          <Empty>
            {live.length === 0 ? "Nobody lives here yet. " : "Only the manager lives here. "}
            Spawn an agent here, or with <code>npx hivectl spawn scout</code>.
          </Empty>
        )}
      </div>
      <SpawnForm isOpen={isSpawning} onClose={() => setSpawning(false)} />
    </Panel>
  );
}

function Row({ agent }: { agent: AgentView }): ReactNode {
  const problem =
    agent.state === "failed" || agent.state === "rate_limited" || agent.state === "needs_login" || agent.state === "offline";
  return (
    <article className="row" role="listitem" aria-label={agent.name}>
      <div className="l1">
        <Link to="/agent/$name" params={{ name: agent.name }} className="name">
          {agent.name}
        </Link>
        <StateBadge agent={agent} />
        {agent.model && <span className="chip">{agent.model}</span>}
        <span className="grow" />
        <RowActions agent={agent} />
      </div>
      {problem && agent.state_reason ? (
        <div className={`status ${agent.state === "failed" ? "red" : "dim"}`}>
          <Words text={agent.state_reason} />
        </div>
      ) : (
        agent.status_text && (
          <div className="status">
            <Words text={agent.status_text} />
          </div>
        )
      )}
      <div className="l2">
        {agent.last_turn && (
          <span className={agent.last_turn.ok ? "" : "red"}>
            last turn {duration(agent.last_turn.duration_ms)}
            {agent.last_turn.ok ? "" : ` · ${agent.last_turn.reason}`}
          </span>
        )}
        {agent.unread > 0 && <span className="amber">{agent.unread} unread</span>}
        <span>{dollars(agent.cost_today_usd)} today</span>
        {agent.tokens_today > 0 && <span>{count(agent.tokens_today)} tok</span>}
        {agent.needs_update && <span className="chip amber">needs update</span>}
        {agent.deployed_sha && <span className="chip">{agent.deployed_sha}</span>}
      </div>
      {agent.warnings.map((words) => (
        <div key={words} className="status amber">
          {words}
        </div>
      ))}
    </article>
  );
}

/** The one thing that is likely wanted now, and the rest behind a menu. */
function RowActions({ agent }: { agent: AgentView }): ReactNode {
  const [confirming, setConfirming] = useState<"destroy" | "kill">();
  const navigate = useNavigate();
  const { name } = agent;
  const act = (run: () => Promise<unknown>) => () => {
    run().catch((error: unknown) => toast(error instanceof ApiError ? error.message : "that did not work", "error"));
  };
  const open = (what: string) => () => void navigate({ to: "/", search: (search) => ({ ...search, open: `${what}:${name}` }) });
  const scope = { agent_names: [name] };
  return (
    <span className="acts">
      {!agent.running && <Action run={() => startAgent(name)}>{agent.failed ? "start again" : "start"}</Action>}
      {agent.running && (
        <Action kind="ghost" run={() => call("set_paused", { name, paused: !agent.paused }).then(() => undefined)}>
          {agent.paused ? "resume" : "pause"}
        </Action>
      )}
      <Menu.Root>
        <Menu.Trigger className="ghost" aria-label={`more for ${name}`}>
          …
        </Menu.Trigger>
        <Menu.Portal>
          <Menu.Positioner sideOffset={4} align="end" className="menu-place">
            <Menu.Popup className="menu">
              <Menu.Item onClick={open("logs")}>logs</Menu.Item>
              <Menu.Item onClick={open("config")}>config</Menu.Item>
              {agent.running && <Menu.Item onClick={act(() => call("restart", { name }))}>restart</Menu.Item>}
              {agent.running && (
                <Menu.Item onClick={act(() => call("stop", { scope, graceful: true }))}>stop, let the turn finish</Menu.Item>
              )}
              {agent.running && <Menu.Item onClick={() => setConfirming("kill")}>kill…</Menu.Item>}
              {agent.role !== "manager" && (
                <Menu.Item className="red" onClick={() => setConfirming("destroy")}>
                  destroy…
                </Menu.Item>
              )}
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
      <Confirm
        isOpen={confirming === "kill"}
        onClose={() => setConfirming(undefined)}
        title={`kill ${name}?`}
        words="Its cage ends at once. A message in its turn goes back to its inbox and is delivered again."
      >
        <button
          type="button"
          className="no"
          onClick={() => {
            setConfirming(undefined);
            act(() => call("kill", { name }))();
          }}
        >
          kill
        </button>
      </Confirm>
      <Confirm
        isOpen={confirming === "destroy"}
        onClose={() => setConfirming(undefined)}
        title={`destroy ${name}?`}
        words="Its cage ends. Notes, session and history are kept and it can be revived; purging removes them for good."
      >
        <button
          type="button"
          className="no"
          onClick={() => {
            setConfirming(undefined);
            act(() => call("destroy", { name, purge: false }))();
          }}
        >
          destroy, keep its state
        </button>
      </Confirm>
    </span>
  );
}

async function startAgent(name: string): Promise<string | undefined> {
  const { results } = await call("start", { scope: { agent_names: [name] } });
  const [result] = results;
  if (result && !result.ok) throw new ApiError("unavailable", result.error ?? "it did not start");
  return undefined;
}

function SpawnForm({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }): ReactNode {
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [model, setModel] = useState("");
  const [error, setError] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await call("spawn", { name, ...(description ? { description } : {}), ...(model ? { config: { model } } : {}) });
      toast(`${name} lives`);
      setName("");
      setDescription("");
      onClose();
    } catch (problem) {
      setError(problem instanceof ApiError ? problem.message : "that did not work");
    } finally {
      setBusy(false);
    }
  };
  return (
    <Sheet isOpen={isOpen} onClose={onClose} title="spawn an agent">
      <form className="form" onSubmit={(event) => void submit(event)}>
        <label className="field">
          name
          <input
            value={name}
            onChange={(event) => setName(event.target.value)}
            placeholder="scout"
            required
            maxLength={32}
            pattern="[a-z][a-z0-9\-]*"
            autoComplete="off"
            spellCheck={false}
          />
        </label>
        <label className="field">
          what it is for
          <textarea
            rows={2}
            value={description}
            onChange={(event) => setDescription(event.target.value)}
            placeholder="looks things up and writes short reports"
          />
        </label>
        <label className="field">
          model
          <input
            value={model}
            onChange={(event) => setModel(event.target.value)}
            placeholder="sonnet"
            autoComplete="off"
            spellCheck={false}
          />
        </label>
        {error && (
          <p className="red" role="alert">
            {error}
          </p>
        )}
        <div className="foot">
          <button type="submit" className="go" disabled={isBusy} aria-busy={isBusy}>
            {isBusy && <span className="spinner" aria-hidden="true" />}◆ SP4WN
          </button>
        </div>
      </form>
    </Sheet>
  );
}

/** Destroyed agents whose notes and history are kept. */
export function KeptState(): ReactNode {
  const agents = useHive((state) => state.agents);
  const kept = [...agents.values()].filter((agent) => agent.destroyed).sort(byRank);
  const [purging, setPurging] = useState<string>();
  if (kept.length === 0) return null;
  return (
    <Panel leet="K3PT ST4T3" label="kept state" note={kept.length}>
      <div className="scroll" role="list">
        {kept.map(({ id, name }) => (
          <div key={id} className="row l1" role="listitem">
            <Link to="/agent/$name" params={{ name }} className="name dim">
              {name}
            </Link>
            <span className="grow" />
            <Action kind="ghost" run={() => call("revive", { name }).then(() => `${name} lives again`)}>
              revive
            </Action>
            <button type="button" className="ghost red" onClick={() => setPurging(name)}>
              purge…
            </button>
          </div>
        ))}
      </div>
      <Confirm
        isOpen={purging !== undefined}
        onClose={() => setPurging(undefined)}
        title={`purge ${purging ?? ""}?`}
        words="Its notes, its session and its config are removed for good. Messages and turns stay in the history."
      >
        <button
          type="button"
          className="no"
          onClick={() => {
            const name = purging;
            setPurging(undefined);
            if (name)
              call("destroy", { name, purge: true }).then(
                () => toast(`${name} is gone`),
                (error: unknown) => toast(error instanceof ApiError ? error.message : "that did not work", "error"),
              );
          }}
        >
          purge for good
        </button>
      </Confirm>
    </Panel>
  );
}
