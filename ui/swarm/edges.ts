import type { AgentView } from "../../src/wire/agent.ts";
import type { MessageView } from "../../src/wire/message.ts";

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

/** Width and height of the picture, in its own units. */
export const SIZE = { width: 900, height: 620 };

/** The manager in the middle, the operator above, everybody else around. */
export function places(names: readonly string[]): Map<string, Place> {
  const middle = { x: SIZE.width / 2, y: SIZE.height / 2 + 20 };
  const found = new Map<string, Place>();
  if (names.includes("hm1nd")) found.set("hm1nd", middle);
  found.set("operator", { x: middle.x, y: 46 });
  const others = names.filter((name) => !found.has(name));
  // The circle is open at the top, where the operator is.
  const gap = Math.PI / 5;
  const span = 2 * Math.PI - 2 * gap;
  for (const [n, name] of others.entries()) {
    const part = others.length === 1 ? 0.5 : n / (others.length - 1);
    const angle = -Math.PI / 2 + gap + span * part;
    found.set(name, { x: middle.x + 350 * Math.cos(angle), y: middle.y + 225 * Math.sin(angle) });
  }
  return found;
}

export interface Trouble {
  agent: AgentView;
  words: string;
  colour: string;
}

/** A turn longer than this is worth a look. Milliseconds. */
const LONG_TURN_MS = 10 * 60_000;

/** Who is stuck or waits, and for what, in words; whoever is well is not in it. */
export function troubles(agents: readonly AgentView[], asking: ReadonlySet<string>, now: number): Trouble[] {
  return agents.flatMap((agent): Trouble[] => {
    const trouble = (words: string, colour: string): Trouble[] => [{ agent, words, colour }];
    switch (agent.state) {
      case "failed":
        return trouble(agent.state_reason ?? "failed", "red");
      case "needs_login":
        return trouble("needs a login", "amber");
      case "rate_limited":
        return trouble(`rate limited, ${agent.unread} wait`, "amber");
      case "paused":
        return trouble(agent.unread > 0 ? `paused, ${agent.unread} wait` : "paused", agent.unread > 0 ? "amber" : "dim");
      case "offline":
        return agent.unread > 0 ? trouble(`offline, ${agent.unread} wait`, "amber") : trouble("offline", "dim");
      default:
    }
    if (asking.has(agent.name)) return trouble("waits for your answer", "mauve");
    const since = agent.turn_started_at === undefined ? now : Date.parse(agent.turn_started_at);
    if (now - since > LONG_TURN_MS) return trouble("its turn takes long", "amber");
    return agent.unread > 2 ? trouble(`${agent.unread} messages wait`, "amber") : [];
  });
}
