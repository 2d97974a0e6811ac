import type { AgentView } from "../../src/wire/agent.ts";
import type { MessageView } from "../../src/wire/message.ts";

/** How far back an edge reaches. Milliseconds. */
export const RECENT_MS = 3600_000;

/** What went from one to another, lately. */
export interface Edge {
  from: string;
  to: string;
  count: number;
  /** Of these, what has not been read yet. */
  waiting: number;
  lastAt: string;
}

/** Messages newer than `since`, by who wrote to whom; the pair that spoke last comes first. */
export function edgesOf(messages: readonly MessageView[], since: number): Edge[] {
  const edges = new Map<string, Edge>();
  for (const message of messages) {
    if (Date.parse(message.created_at) < since) continue;
    // A program in a cage speaks for its agent.
    const from = message.from.split("/")[0] ?? message.from;
    if (from === message.to) continue;
    const key = `${from} ${message.to}`;
    const known = edges.get(key) ?? { from, to: message.to, count: 0, waiting: 0, lastAt: message.created_at };
    const waits = message.state === "queued" || message.state === "held";
    edges.set(key, {
      ...known,
      count: known.count + 1,
      waiting: known.waiting + (waits ? 1 : 0),
      lastAt: message.created_at > known.lastAt ? message.created_at : known.lastAt,
    });
  }
  return [...edges.values()].sort((a, b) => (a.lastAt < b.lastAt ? 1 : -1));
}

export interface Place {
  x: number;
  y: number;
}

/** How the picture is laid out, in its own units: its size, and how large a node is. */
export interface Layout {
  width: number;
  height: number;
  /** Half the width and half the height of the ring in which the agents stand. */
  ring: { x: number; y: number };
  radius: number;
  /** Letters of a name that fit under a node. */
  maxName: number;
}

/** At a desk: wide, with room for words at the edges. */
export const WIDE: Layout = { width: 900, height: 620, ring: { x: 350, y: 225 }, radius: 30, maxName: 16 };
/** On a phone: upright, and one unit is about one pixel, so that names can be read. */
export const UPRIGHT: Layout = { width: 390, height: 540, ring: { x: 136, y: 205 }, radius: 19, maxName: 12 };

/** The manager in the middle, the operator above, everybody else around. */
export function places(names: readonly string[], layout: Layout): Map<string, Place> {
  const middle = { x: layout.width / 2, y: layout.height / 2 + layout.radius / 2 };
  const found = new Map<string, Place>();
  if (names.includes("hm1nd")) found.set("hm1nd", middle);
  found.set("operator", { x: middle.x, y: layout.radius + 16 });
  const others = names.filter((name) => !found.has(name));
  // The circle is open at the top, where the operator is.
  const gap = Math.PI / 5;
  const span = 2 * Math.PI - 2 * gap;
  for (const [n, name] of others.entries()) {
    const part = others.length === 1 ? 0.5 : n / (others.length - 1);
    const angle = -Math.PI / 2 + gap + span * part;
    found.set(name, { x: middle.x + layout.ring.x * Math.cos(angle), y: middle.y + layout.ring.y * Math.sin(angle) });
  }
  return found;
}

/** By recipient: when the message was written that has waited longest of those that are not read yet. */
export function waitingSince(messages: readonly MessageView[]): Map<string, string> {
  const since = new Map<string, string>();
  for (const { to, state, created_at } of messages)
    if ((state === "queued" || state === "held") && !((since.get(to) ?? created_at) < created_at)) since.set(to, created_at);
  return since;
}

export interface Trouble {
  agent: AgentView;
  words: string;
  colour: string;
  /** Since when it waits, where that is not the age of its state. */
  since?: string | undefined;
}

/** A turn longer than this is worth a look. Milliseconds. */
const LONG_TURN_MS = 10 * 60_000;

/**
 * Who is stuck or waits, and for what, in words; whoever is well is not in it. `asking` and `mail` hold by name since
 * when a question is open and a message unread.
 */
export function troubles(
  agents: readonly AgentView[],
  asking: ReadonlyMap<string, string>,
  mail: ReadonlyMap<string, string>,
  now: number,
): Trouble[] {
  return agents.flatMap((agent): Trouble[] => {
    const trouble = (words: string, colour: string, since?: string): Trouble[] => [{ agent, words, colour, since }];
    const oldest = mail.get(agent.name);
    const waits = `${agent.unread} ${agent.unread === 1 ? "waits" : "wait"}`;
    switch (agent.state) {
      case "failed":
        return trouble(agent.state_reason ?? "failed", "red");
      case "needs_login":
        return trouble("needs a login", "amber");
      case "rate_limited":
        return trouble(`rate limited, ${waits}`, "amber", oldest);
      case "paused":
        return agent.unread > 0 ? trouble(`paused, ${waits}`, "amber", oldest) : trouble("paused", "dim");
      case "offline":
        return agent.unread > 0 ? trouble(`offline, ${waits}`, "amber", oldest) : trouble("offline", "dim");
      default:
    }
    const asked = asking.get(agent.name);
    if (asked !== undefined) return trouble("waits for your answer", "mauve", asked);
    if (agent.resumes_at !== undefined)
      return trouble(`tries again soon: ${agent.state_reason ?? "the last turn failed"}`, "amber");
    const since = agent.turn_started_at === undefined ? now : Date.parse(agent.turn_started_at);
    if (now - since > LONG_TURN_MS) return trouble("its turn takes long", "amber");
    return agent.unread > 2 ? trouble(`${agent.unread} messages wait`, "amber", oldest) : [];
  });
}
