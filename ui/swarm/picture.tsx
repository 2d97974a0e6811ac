import { Link } from "@tanstack/react-router";
import { useMemo, type ReactNode } from "react";
import type { AgentView } from "../../src/wire/agent.ts";
import type { LoopView } from "../../src/wire/loops.ts";
import { isRetrying, resumesAt, stateWordOf } from "../lib/agent-state.ts";
import { age, visible } from "../lib/text.ts";
import { pairsOf, RECENT_MS, type Edge } from "./edges.ts";
import {
  badgeAt,
  initialsOf,
  MIN_INITIALS,
  NAME_BELOW,
  nodeBoxes,
  NOTE_BELOW,
  places,
  shortName,
  wordsWithRoom,
  type Layout,
  type Place,
} from "./layout.ts";

/** The age up to which a message highlights its edge. Milliseconds. */
const FRESH_MS = 60_000;
/** Distance of a label from its edge. */
const LABEL_GAP = 18;
/** Minimum distance of an edge from a node in its way, in radii of a node: the node with its name. */
const CLEAR = 2;

interface PictureProps {
  agents: readonly AgentView[];
  edges: readonly Edge[];
  loops: readonly LoopView[];
  now: number;
  asking: ReadonlyMap<string, string>;
  layout: Layout;
}

/** The agents in a ring or in rows, and an edge for each pair with recent messages, labelled if there is room. */
export function Picture({ agents, edges, loops, now, asking, layout }: PictureProps): ReactNode {
  const at = useMemo(
    () =>
      places(
        agents.map((agent) => agent.name),
        layout,
      ),
    [agents, layout],
  );
  const initials = useMemo(() => initialsOf(["operator", ...agents.map((agent) => agent.name)]), [agents]);
  const initialOf = (name: string): string => initials.get(name) ?? name.slice(0, 2);
  const middle = at.get("hm1nd");
  const looping = useMemo(() => pairsOf(loops), [loops]);
  const most = edges.reduce((top, edge) => Math.max(top, edge.count), 1);
  const lines = edges.flatMap((edge): Curve[] => {
    const from = at.get(edge.from);
    const to = at.get(edge.to);
    if (!from || !to) return [];
    const isManagers = edge.from === "hm1nd" || edge.to === "hm1nd";
    return [curveOf({ edge, from, to, now, radius: layout.radius, around: isManagers || !layout.ring ? undefined : middle })];
  });
  const taken = [...at].flatMap(([name, place]) => nodeBoxes(name, place, layout));
  const withWords = wordsWithRoom(
    lines.map(({ key, label, words }) => ({ key, at: label, text: words })),
    taken,
  );
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
      {lines.map((curve) => (
        <Line key={curve.key} curve={curve} most={most} now={now} isLoop={looping.has(curve.key)} />
      ))}
      {/* Above every line, so that no edge crosses a label. */}
      {lines.map(
        ({ key, label, words }) =>
          withWords.has(key) && (
            <text key={key} x={label.x} y={label.y} className="label">
              {words}
            </text>
          ),
      )}
      <Node
        name="operator"
        initials={initialOf("operator")}
        place={at.get("operator")}
        kind="operator"
        note=""
        badge={0}
        layout={layout}
      />
      {agents.map((agent) => (
        <Link key={agent.id} to="/agent/$name" params={{ name: agent.name }} aria-label={`${agent.name}, ${stateWordOf(agent)}`}>
          <Node
            name={agent.name}
            initials={initialOf(agent.name)}
            place={at.get(agent.name)}
            kind={kindOf(agent, asking.has(agent.name))}
            note={noteOf(agent, now)}
            badge={agent.unread}
            layout={layout}
          />
        </Link>
      ))}
    </svg>
  );
}

/** The kind of a node, which sets its colour. */
function kindOf(agent: AgentView, isAsking: boolean): string {
  if (isAsking) return "asks";
  if (isRetrying(agent)) return "rate_limited";
  return agent.state === "idle" && agent.asleep ? "asleep" : agent.state;
}

/** An agent's state and its duration, or its end if known, as in its row. */
function noteOf(agent: AgentView, now: number): string {
  const { turn_started_at: began, state_since: since } = agent;
  const until = resumesAt(agent);
  const time = until === undefined ? now - Date.parse(began ?? since) : Date.parse(until) - now;
  return `${stateWordOf(agent)} ${age(time)}`;
}

/** A drawn edge with its label. */
interface Curve {
  edge: Edge;
  key: string;
  path: string;
  label: Place;
  words: string;
}

interface CurveProps {
  edge: Edge;
  from: Place;
  to: Place;
  now: number;
  radius: number;
  /** The node in the way, if any. */
  around: Place | undefined;
}

/** An edge bends to its right, so that both directions are visible, and bends further if it would cross `around`. */
function curveOf({ edge, from, to, now, radius, around }: CurveProps): Curve {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const length = Math.hypot(dx, dy) || 1;
  const unit = { x: dx / length, y: dy / length };
  const chord = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  const usual = 14 + length * 0.05;
  // How far to its right the node in the way is. The curve reaches half of the bend.
  const aside = around ? (chord.y - around.y) * -unit.x + (chord.x - around.x) * unit.y : Infinity;
  const bend = Math.abs(usual / 2 - aside) < CLEAR * radius ? 2 * (aside + CLEAR * radius) : usual;
  const middle = { x: chord.x - unit.y * bend, y: chord.y + unit.x * bend };
  const start = towards(from, middle, radius + 4);
  const end = towards(to, middle, radius + 6);
  return {
    edge,
    key: `${edge.from} ${edge.to}`,
    path: `M${start.x} ${start.y}Q${middle.x} ${middle.y} ${end.x} ${end.y}`,
    label: {
      x: (start.x + 2 * middle.x + end.x) / 4 - unit.y * LABEL_GAP,
      y: (start.y + 2 * middle.y + end.y) / 4 + unit.x * LABEL_GAP + 4,
    },
    words: edge.waiting > 0 ? `${edge.count} (${edge.waiting} wait)` : `${edge.count} · ${age(now - Date.parse(edge.lastAt))}`,
  };
}

interface LineProps {
  curve: Curve;
  /** Message count of the busiest edge. */
  most: number;
  now: number;
  isLoop: boolean;
}

function Line({ curve: { edge, path }, most, now, isLoop }: LineProps): ReactNode {
  const since = now - Date.parse(edge.lastAt);
  const kind = edge.waiting > 0 ? "waits" : since < FRESH_MS ? "fresh" : "";
  return (
    <g className={`edge ${kind} ${isLoop ? "loop" : ""}`}>
      <title>
        {visible(
          `${edge.from} → ${edge.to}: ${edge.count} messages, ${edge.waiting} unread, last ${age(since)} ago${isLoop ? ", part of a loop" : ""}`,
        )}
      </title>
      <path
        d={path}
        strokeWidth={1 + 3 * (edge.count / most)}
        opacity={Math.max(0.35, 1 - since / RECENT_MS)}
        markerEnd="url(#head)"
      />
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
  initials: string;
}

function Node({ name, initials, place, kind, note, badge, layout }: NodeProps): ReactNode {
  if (!place) return null;
  const { radius } = layout;
  const corner = badgeAt(place, layout);
  return (
    <g className={`node is-${kind}`}>
      <title>{`${name} ${note}`}</title>
      <circle cx={place.x} cy={place.y} r={radius} />
      <text x={place.x} y={place.y + 5} className={radius < MIN_INITIALS ? "sr" : "initial"}>
        {initials}
      </text>
      <text x={place.x} y={place.y + radius + NAME_BELOW} className="name">
        {shortName(name, layout)}
      </text>
      {layout.hasNote && (
        <text x={place.x} y={place.y + radius + NAME_BELOW + NOTE_BELOW} className="note">
          {note}
        </text>
      )}
      {badge > 0 && (
        <>
          <circle cx={corner.x} cy={corner.y} r={corner.radius} className="badge" />
          {/* Text that only screen readers get must not reach past the picture either. */}
          <text x={corner.most === 0 ? place.x : corner.x} y={corner.y + 4} className={corner.most === 0 ? "sr" : "badge-text"}>
            {badge > corner.most ? `${corner.most || 1}+` : badge}
          </text>
        </>
      )}
    </g>
  );
}
