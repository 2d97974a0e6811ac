import { Link } from "@tanstack/react-router";
import { useEffect, useMemo, type ReactNode } from "react";
import type { AgentView } from "../../src/wire/agent.ts";
import { byRank } from "../dashboard/containers.tsx";
import { OpenDrawer } from "../kit/open-drawer.tsx";
import { StateBadge } from "../kit/state-badge.tsx";
import { Empty } from "../kit/panel.tsx";
import { Who, Words } from "../kit/text.tsx";
import { Age, useNow } from "../kit/time.tsx";
import { Banners, TopBar } from "../kit/top-bar.tsx";
import { loadOlderMessages, useHive } from "../lib/store.ts";
import { age } from "../lib/text.ts";
import { edgesOf, places, SIZE, troubles, type Edge, type Place } from "./edges.ts";

/** How far back an edge reaches. Milliseconds. */
const RECENT_MS = 3600_000;
/** A message this young still lights its edge. Milliseconds. */
const FRESH_MS = 60_000;
/** Edges that can be told apart by eye. */
const MAX_EDGES = 60;
const RADIUS = 30;
/** Between an edge and its words. */
const LABEL_GAP = 18;

/** Who talks to whom, who is stuck, who waits: the whole swarm at a glance. */
export function SwarmPage(): ReactNode {
  const agents = useHive((state) => state.agents);
  const messages = useHive((state) => state.messages);
  const questions = useHive((state) => state.questions);
  const now = useNow();
  useEffect(() => {
    document.title = "swarm · hyperhive";
    // The snapshot brings a hundred: in a busy hive that is not an hour. What comes later comes by itself.
    loadOlderMessages().catch(() => {});
  }, []);
  const live = useMemo(() => [...agents.values()].filter((agent) => !agent.destroyed).sort(byRank), [agents]);
  const asking = new Set([...questions.values()].filter((one) => one.state === "open").map((one) => one.agent));
  const minute = Math.floor(now / 10_000);
  const edges = useMemo(() => edgesOf(messages, minute * 10_000 - RECENT_MS).slice(0, MAX_EDGES), [messages, minute]);
  const found = troubles(live, asking, now);
  return (
    <>
      <TopBar />
      <Banners />
      <main className="swarm-page">
        <section className="panel picture" aria-label="swarm">
          <header>
            <h2 aria-label="swarm">SW4RM</h2>
            <span className="dim note">who talks to whom, the last hour</span>
          </header>
          <Picture agents={live} edges={edges} now={now} asking={asking} />
        </section>
        <div className="col">
          <section className="panel" aria-label="stuck or waiting">
            <header>
              <h2 aria-label="stuck or waiting">STUCK 0R W4ITING</h2>
              <span className="dim">{found.length || ""}</span>
            </header>
            <div className="scroll">
              {found.length === 0 && <Empty>Nobody is stuck, nobody waits.</Empty>}
              {found.map(({ agent, words, colour }) => (
                <div key={agent.id} className="row">
                  <div className="l1">
                    <Link to="/agent/$name" params={{ name: agent.name }} className="name">
                      {agent.name}
                    </Link>
                    <StateBadge agent={agent} />
                  </div>
                  <div className={`status ${colour}`}>
                    <Words text={words} />
                  </div>
                </div>
              ))}
            </div>
          </section>
          <section className="panel fill" aria-label="who talks to whom">
            <header>
              <h2 aria-label="who talks to whom">T4LK</h2>
            </header>
            <div className="scroll" tabIndex={0} role="group" aria-label="pairs">
              {edges.length === 0 ? <Empty>Nobody has written to anybody in the last hour.</Empty> : <Pairs edges={edges} />}
            </div>
          </section>
        </div>
      </main>
      <OpenDrawer />
    </>
  );
}

function Pairs({ edges }: { edges: readonly Edge[] }): ReactNode {
  return (
    <table className="pairs">
      <thead>
        <tr>
          <th scope="col">from → to</th>
          <th scope="col" className="n">
            messages
          </th>
          <th scope="col" className="n">
            unread
          </th>
          <th scope="col" className="n">
            last
          </th>
        </tr>
      </thead>
      <tbody>
        {edges.map((edge) => (
          <tr key={`${edge.from} ${edge.to}`}>
            <td>
              <Who name={edge.from} /> <span className="faint">→</span> <Who name={edge.to} />
            </td>
            <td className="n">{edge.count}</td>
            <td className={`n ${edge.waiting > 0 ? "amber" : "faint"}`}>{edge.waiting}</td>
            <td className="n dim">
              <Age since={edge.lastAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface PictureProps {
  agents: readonly AgentView[];
  edges: readonly Edge[];
  now: number;
  asking: ReadonlySet<string>;
}

function Picture({ agents, edges, now, asking }: PictureProps): ReactNode {
  const at = useMemo(() => places(agents.map((agent) => agent.name)), [agents]);
  const most = Math.max(1, ...edges.map((edge) => edge.count));
  return (
    <svg
      viewBox={`0 0 ${SIZE.width} ${SIZE.height}`}
      className="graph"
      role="group"
      aria-label={`${agents.length} agents, ${edges.length} pairs that spoke in the last hour; the table beside says the same`}
    >
      <defs>
        <marker
          id="head"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          markerUnits="userSpaceOnUse"
          orient="auto"
        >
          <path d="M0 0 8 4 0 8Z" className="head" />
        </marker>
      </defs>
      {edges.map((edge) => {
        const from = at.get(edge.from);
        const to = at.get(edge.to);
        if (!from || !to) return null;
        return <Line key={`${edge.from} ${edge.to}`} edge={edge} from={from} to={to} most={most} now={now} />;
      })}
      <Node name="operator" place={at.get("operator")} kind="operator" note="" badge={0} />
      {agents.map((agent) => (
        <Link key={agent.id} to="/agent/$name" params={{ name: agent.name }} aria-label={`${agent.name}, ${agent.state}`}>
          <Node
            name={agent.name}
            place={at.get(agent.name)}
            kind={asking.has(agent.name) ? "asks" : agent.state === "idle" && agent.asleep ? "asleep" : agent.state}
            note={`${agent.state === "idle" && agent.asleep ? "asleep" : agent.state.replace("_", " ")} ${age(now - Date.parse(agent.turn_started_at ?? agent.state_since))}`}
            badge={agent.unread}
          />
        </Link>
      ))}
    </svg>
  );
}

/** An edge bends to its right, so that both directions are seen. */
function Line({ edge, from, to, most, now }: { edge: Edge; from: Place; to: Place; most: number; now: number }): ReactNode {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const length = Math.hypot(dx, dy) || 1;
  const unit = { x: dx / length, y: dy / length };
  const bend = 14 + length * 0.05;
  const middle = { x: (from.x + to.x) / 2 - unit.y * bend, y: (from.y + to.y) / 2 + unit.x * bend };
  const start = towards(from, middle, RADIUS + 4);
  const end = towards(to, middle, RADIUS + 6);
  const since = now - Date.parse(edge.lastAt);
  const kind = edge.waiting > 0 ? "waits" : since < FRESH_MS ? "fresh" : "";
  return (
    <g className={`edge ${kind}`}>
      <title>{`${edge.from} → ${edge.to}: ${edge.count} messages, ${edge.waiting} unread, last ${age(since)} ago`}</title>
      <path
        d={`M${start.x} ${start.y}Q${middle.x} ${middle.y} ${end.x} ${end.y}`}
        strokeWidth={1 + 3 * (edge.count / most)}
        opacity={Math.max(0.35, 1 - since / RECENT_MS)}
        markerEnd="url(#head)"
      />
      <text
        x={(start.x + 2 * middle.x + end.x) / 4 - unit.y * LABEL_GAP}
        y={(start.y + 2 * middle.y + end.y) / 4 + unit.x * LABEL_GAP + 4}
        className="label"
      >
        {edge.count}
        {edge.waiting > 0 ? ` (${edge.waiting} wait)` : ` · ${age(since)}`}
      </text>
    </g>
  );
}

function towards(from: Place, to: Place, by: number): Place {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  return { x: from.x + ((to.x - from.x) / length) * by, y: from.y + ((to.y - from.y) / length) * by };
}

interface NodeProps {
  name: string;
  place: Place | undefined;
  kind: string;
  note: string;
  badge: number;
}

/** Letters of a name that fit under a node. */
const MAX_NAME = 16;

function Node({ name, place, kind, note, badge }: NodeProps): ReactNode {
  if (!place) return null;
  return (
    <g className={`node ${kind}`}>
      <title>{`${name} ${note}`}</title>
      <circle cx={place.x} cy={place.y} r={RADIUS} />
      <text x={place.x} y={place.y + 5} className="initial">
        {name.slice(0, 2)}
      </text>
      <text x={place.x} y={place.y + RADIUS + 15} className="name">
        {name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name}
      </text>
      <text x={place.x} y={place.y + RADIUS + 28} className="note">
        {note}
      </text>
      {badge > 0 && (
        <>
          <circle cx={place.x + 24} cy={place.y - 22} r={11} className="badge" />
          <text x={place.x + 24} y={place.y - 18} className="badge-text">
            {badge > 99 ? "99+" : badge}
          </text>
        </>
      )}
    </g>
  );
}
