import type { AgentView, QuestionView } from "../../src/wire/agent.ts";
import type { ApprovalView } from "../../src/wire/approval.ts";
import type { HiveEvent, HiveView, LiveDelta, StateSnapshot, StoredTurnEvent } from "../../src/wire/event.ts";
import type { MessageView } from "../../src/wire/message.ts";

/** Messages that a page keeps. Older ones are fetched when they are asked for. */
const MAX_MESSAGES = 2000;
/** Turn events that a page keeps per agent: what is scrolled past is fetched again. */
const MAX_TURN_EVENTS = 100_000;

/** Text that is being written just now. */
export interface Partial {
  kind: "text" | "thinking";
  text: string;
}

/** The tail of one agent, once its page has asked for it. Oldest first. */
export interface Tail {
  events: readonly StoredTurnEvent[];
  /** True while there are older events than these. */
  more: boolean;
}

/** Everything that a page shows. Immutable: a change makes new objects along its path, and only there. */
export interface State {
  seq: number;
  hive: HiveView;
  agents: ReadonlyMap<string, AgentView>;
  questions: ReadonlyMap<number, QuestionView>;
  approvals: ReadonlyMap<number, ApprovalView>;
  /** By id, oldest first. */
  messages: readonly MessageView[];
  tails: ReadonlyMap<string, Tail>;
  partials: ReadonlyMap<string, Partial>;
}

export function fromSnapshot(snapshot: StateSnapshot, before?: State): State {
  return {
    seq: snapshot.seq,
    hive: snapshot.hive,
    agents: new Map(snapshot.agents.map((agent) => [agent.name, agent])),
    questions: new Map(snapshot.questions.map((question) => [question.id, question])),
    approvals: new Map(snapshot.approvals.map((approval) => [approval.id, approval])),
    messages: mergeMessages(before?.messages ?? [], snapshot.messages),
    tails: before?.tails ?? new Map(),
    partials: new Map(),
  };
}

/** Applies an event. Upserts by id: an event that comes twice, or late, changes nothing. */
export function apply(state: State, event: HiveEvent): State {
  switch (event.kind) {
    case "hive":
      return { ...state, hive: event.hive };
    case "agent":
      return { ...state, agents: withEntry(state.agents, event.agent.name, event.agent) };
    case "question": {
      const known = state.questions.get(event.question.id);
      if (known && known.seq >= event.question.seq) return state;
      return {
        ...state,
        seq: Math.max(state.seq, event.seq),
        questions: withEntry(state.questions, event.question.id, event.question),
      };
    }
    case "approval": {
      const known = state.approvals.get(event.approval.id);
      if (known && known.seq >= event.approval.seq) return state;
      return {
        ...state,
        seq: Math.max(state.seq, event.seq),
        approvals: withEntry(state.approvals, event.approval.id, event.approval),
      };
    }
    case "message":
      return { ...state, seq: Math.max(state.seq, event.seq), messages: mergeMessages(state.messages, [event.message]) };
    case "turn":
      return applyTurn({ ...state, seq: Math.max(state.seq, event.seq) }, event.turn);
    case "delta":
      return { ...state, partials: withDelta(state.partials, event.agent, event.delta) };
    case "reset":
      return state;
  }
}

function applyTurn(state: State, turn: StoredTurnEvent): State {
  const tail = state.tails.get(turn.agent);
  const tails = tail ? withEntry(state.tails, turn.agent, mergeTail(tail, [turn])) : state.tails;
  // What was being written is now stored, or its turn is over.
  const ends = turn.event.type !== "note" && turn.event.type !== "tool_result";
  if (!ends || !state.partials.has(turn.agent)) return { ...state, tails };
  const partials = new Map(state.partials);
  partials.delete(turn.agent);
  return { ...state, tails, partials };
}

function withDelta(partials: State["partials"], agent: string, delta: LiveDelta): State["partials"] {
  const next = new Map(partials);
  const current = partials.get(agent);
  if (delta.kind === "reset") next.delete(agent);
  else next.set(agent, { kind: delta.kind, text: current?.kind === delta.kind ? current.text + delta.text : delta.text });
  return next;
}

/** Puts older or newer pages into a tail. */
export function mergeTail(tail: Tail, events: readonly StoredTurnEvent[], more = tail.more): Tail {
  const last = tail.events.at(-1);
  const first = events[0];
  // Almost always one new event at the end.
  if (!first) return { events: tail.events, more };
  if (!last || first.seq > last.seq) return { events: cap([...tail.events, ...events]), more };
  const bySeq = new Map([...tail.events, ...events].map((event) => [event.seq, event]));
  return { events: cap([...bySeq.values()].sort((a, b) => a.seq - b.seq)), more };
}
function cap(events: StoredTurnEvent[]): StoredTurnEvent[] {
  return events.length > MAX_TURN_EVENTS ? events.slice(-MAX_TURN_EVENTS) : events;
}

/** Upserts messages by id; the newer `seq` wins. */
export function mergeMessages(known: readonly MessageView[], changed: readonly MessageView[]): readonly MessageView[] {
  let next: MessageView[] | undefined;
  for (const message of changed) {
    const list: readonly MessageView[] = next ?? known;
    const at = indexOf(list, message.id);
    const there = list[at];
    if (there?.id === message.id) {
      if (there.seq >= message.seq) continue;
      next ??= [...known];
      next[at] = message;
    } else {
      next ??= [...known];
      next.splice(at, 0, message);
    }
  }
  if (!next) return known;
  return next.length > MAX_MESSAGES ? next.slice(-MAX_MESSAGES) : next;
}

/** Where an id is, or belongs. Most changes are at the end. */
function indexOf(list: readonly MessageView[], id: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle]?.id ?? 0) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

function withEntry<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  return new Map(map).set(key, value);
}
