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
 * Which agents are stuck or wait, and for what, in words; the others are not listed. `asking` and `mail` hold by name since
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
