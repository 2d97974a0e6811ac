import { Link } from "@tanstack/react-router";
import { useMemo, type ReactNode } from "react";
import type { AgentView } from "../../src/wire/agent.ts";
import { age, visible } from "../lib/text.ts";
import { places, RECENT_MS, UPRIGHT, type Edge, type Layout, type Place } from "./edges.ts";

/** A message this young still lights its edge. Milliseconds. */
const FRESH_MS = 60_000;
/** Edges whose words can stand beside each other; with more, the words are in the table and under the pointer. */
const MAX_LABELS = 14;
/** Between an edge and its words. */
const LABEL_GAP = 18;
/** How far an edge that is not the manager's passes it by: its node with its name. In radii of a node. */
const CLEAR = 2;

interface PictureProps {
  agents: readonly AgentView[];
  edges: readonly Edge[];
  now: number;
  asking: ReadonlyMap<string, string>;
  layout: Layout;
}

/** The agents in a ring, and an edge for each pair that spoke. */
export function Picture({ agents, edges, now, asking, layout }: PictureProps): ReactNode {
  const at = useMemo(
    () =>
      places(
        agents.map((agent) => agent.name),
        layout,
      ),
    [agents, layout],
  );
  const middle = at.get("hm1nd");
  const most = edges.reduce((top, edge) => Math.max(top, edge.count), 1);
  const isCrowded = layout === UPRIGHT || edges.length > MAX_LABELS;
  const wordsOf = (edge: Edge): string => {
    if (isCrowded) return "";
    return edge.waiting > 0 ? `${edge.count} (${edge.waiting} wait)` : `${edge.count} · ${age(now - Date.parse(edge.lastAt))}`;
  };
  return (
    <svg
      viewBox={`0 0 ${layout.width} ${layout.height}`}
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
        return (
          <Line
            key={`${edge.from} ${edge.to}`}
            edge={edge}
            from={from}
            to={to}
            most={most}
            now={now}
            radius={layout.radius}
            around={edge.from === "hm1nd" || edge.to === "hm1nd" ? undefined : middle}
            words={wordsOf(edge)}
          />
        );
      })}
      <Node name="operator" place={at.get("operator")} kind="operator" note="" badge={0} layout={layout} />
      {agents.map((agent) => (
        <Link key={agent.id} to="/agent/$name" params={{ name: agent.name }} aria-label={`${agent.name}, ${agent.state}`}>
          <Node
            name={agent.name}
            place={at.get(agent.name)}
            kind={asking.has(agent.name) ? "asks" : agent.state === "idle" && agent.asleep ? "asleep" : agent.state}
            note={`${agent.state === "idle" && agent.asleep ? "asleep" : agent.state.replace("_", " ")} ${age(now - Date.parse(agent.turn_started_at ?? agent.state_since))}`}
            badge={agent.unread}
            layout={layout}
          />
        </Link>
      ))}
    </svg>
  );
}

interface LineProps {
  edge: Edge;
  from: Place;
  to: Place;
  /** Messages of the busiest edge. */
  most: number;
  now: number;
  radius: number;
  /** What lies in the way, if anything does. */
  around: Place | undefined;
  words: string;
}

/** An edge bends to its right, so that both directions are seen; further where it would run through `around`. */
function Line({ edge, from, to, most, now, radius, around, words }: LineProps): ReactNode {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const length = Math.hypot(dx, dy) || 1;
  const unit = { x: dx / length, y: dy / length };
  const chord = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  const usual = 14 + length * 0.05;
  // How far to its right the obstacle lies; half of the bend is how far the curve goes there.
  const aside = around ? (chord.y - around.y) * -unit.x + (chord.x - around.x) * unit.y : Infinity;
  const bend = Math.abs(usual / 2 - aside) < CLEAR * radius ? 2 * (aside + CLEAR * radius) : usual;
  const middle = { x: chord.x - unit.y * bend, y: chord.y + unit.x * bend };
  const start = towards(from, middle, radius + 4);
  const end = towards(to, middle, radius + 6);
  const since = now - Date.parse(edge.lastAt);
  const kind = edge.waiting > 0 ? "waits" : since < FRESH_MS ? "fresh" : "";
  return (
    <g className={`edge ${kind}`}>
      <title>
        {visible(`${edge.from} → ${edge.to}: ${edge.count} messages, ${edge.waiting} unread, last ${age(since)} ago`)}
      </title>
      <path
        d={`M${start.x} ${start.y}Q${middle.x} ${middle.y} ${end.x} ${end.y}`}
        strokeWidth={1 + 3 * (edge.count / most)}
        opacity={Math.max(0.35, 1 - since / RECENT_MS)}
        markerEnd="url(#head)"
      />
      {words !== "" && (
        <text
          x={(start.x + 2 * middle.x + end.x) / 4 - unit.y * LABEL_GAP}
          y={(start.y + 2 * middle.y + end.y) / 4 + unit.x * LABEL_GAP + 4}
          className="label"
        >
          {words}
        </text>
      )}
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
  layout: Layout;
}

function Node({ name, place, kind, note, badge, layout }: NodeProps): ReactNode {
  if (!place) return null;
  const { radius, maxName } = layout;
  const corner = { x: place.x + radius * 0.8, y: place.y - radius * 0.73 };
  return (
    <g className={`node is-${kind}`}>
      <title>{`${name} ${note}`}</title>
      <circle cx={place.x} cy={place.y} r={radius} />
      <text x={place.x} y={place.y + 5} className="initial">
        {name.slice(0, 2)}
      </text>
      <text x={place.x} y={place.y + radius + 15} className="name">
        {name.length > maxName ? `${name.slice(0, maxName - 1)}…` : name}
      </text>
      <text x={place.x} y={place.y + radius + 28} className="note">
        {note}
      </text>
      {badge > 0 && (
        <>
          <circle cx={corner.x} cy={corner.y} r={11} className="badge" />
          <text x={corner.x} y={corner.y + 4} className="badge-text">
            {badge > 99 ? "99+" : badge}
          </text>
        </>
      )}
    </g>
  );
}
