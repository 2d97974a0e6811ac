import type { AgentView } from "../../src/wire/agent.ts";
import type { LoopView } from "../../src/wire/loops.ts";
import type { MessageView } from "../../src/wire/message.ts";

/** The age up to which a message counts. Milliseconds. */
export const RECENT_MS = 3600_000;

/** Recent messages from one principal to another. */
export interface Edge {
  from: string;
  to: string;
  count: number;
  /** How many of them have not been read yet. */
  waiting: number;
  lastAt: string;
}

/**
 * Messages newer than `since`, by sender and recipient. The pair with the newest message comes first. A message to the
 * operator is delivered at once, and unread until the operator has read up to its id (`readUpTo`).
 */
export function edgesOf(messages: readonly MessageView[], since: number, readUpTo = 0): Edge[] {
  const edges = new Map<string, Edge>();
  for (const message of messages) {
    if (Date.parse(message.created_at) < since) continue;
    // A program in a cage speaks for its agent.
    const from = message.from.split("/")[0] ?? message.from;
    if (from === message.to) continue;
    const key = `${from} ${message.to}`;
    const known = edges.get(key) ?? { from, to: message.to, count: 0, waiting: 0, lastAt: message.created_at };
    const waits = message.to === "operator" ? message.id > readUpTo : message.state === "queued" || message.state === "held";
    edges.set(key, {
      ...known,
      count: known.count + 1,
      waiting: known.waiting + (waits ? 1 : 0),
      lastAt: message.created_at > known.lastAt ? message.created_at : known.lastAt,
    });
  }
  return [...edges.values()].sort((a, b) => (a.lastAt < b.lastAt ? 1 : -1));
}

/** The pairs of agents of the loops: `from to`. */
export const pairsOf = (loops: readonly Pick<LoopView, "agents">[]): ReadonlySet<string> =>
  new Set(loops.flatMap(({ agents }) => agents.slice(1).map((to, n) => `${agents[n] ?? ""} ${to}`)));

/** By recipient: when its oldest unread message was written. */
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
  /** Since when it waits, if that differs from the age of its state. */
  since?: string | undefined;
}

/** A longer turn is listed. Milliseconds. */
const LONG_TURN_MS = 10 * 60_000;

/**
 * The agents that are stuck or wait, with the reason in words. `asking` and `mail` map a name to the time of its open
 * question or oldest unread message.
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
        return agent.unread > 0 ? trouble(`stopped, ${waits}`, "amber", oldest) : trouble("stopped", "dim");
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
