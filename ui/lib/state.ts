import { isTerminal } from "../../src/wire/request-states.ts";
import type { AgentView, QuestionView } from "../../src/wire/agent.ts";
import type { ApprovalView } from "../../src/wire/approval.ts";
import type { HiveEvent, HiveView, LiveDelta, StateSnapshot, StoredTurnEvent } from "../../src/wire/event.ts";
import { isChangeOver } from "../../src/wire/change-states.ts";
import type { You } from "../../src/wire/operator-operations.ts";
import type { MessageView } from "../../src/wire/message.ts";
import type { ChangeView, RepoView } from "../../src/wire/work.ts";

/** Maximum messages in a snapshot. If it has fewer, there are no older ones. */
const SNAPSHOT_MESSAGES = 100;
/** Maximum messages in a page. Older ones are fetched on demand. */
const MAX_MESSAGES = 20_000;
/** Maximum turn events that a page keeps per agent. Dropped ones are fetched again. */
const MAX_TURN_EVENTS = 100_000;
/** How many above the maximum before the oldest are dropped. */
const CUT = 5000;

/** Text that the model is writing. */
export interface Partial {
  kind: "text" | "thinking";
  text: string;
}

/**
 * The tail of one agent, once its page has requested it. Oldest first. The array may grow at its end, but changes
 * nowhere else.
 */
export interface Tail {
  events: readonly StoredTurnEvent[];
  /** True while there are older events than these. */
  more: boolean;
}

/** All data of a page. Immutable: a change creates new objects only along its path. */
export interface State {
  seq: number;
  /** Who is logged in. */
  you: You;
  hive: HiveView;
  agents: ReadonlyMap<string, AgentView>;
  questions: ReadonlyMap<number, QuestionView>;
  approvals: ReadonlyMap<number, ApprovalView>;
  repos: ReadonlyMap<string, RepoView>;
  changes: ReadonlyMap<number, ChangeView>;
  /** The newest messages by id, oldest first, without gaps. */
  messages: readonly MessageView[];
  /** True while there are older messages than these. */
  moreMessages: boolean;
  /** True while there are newer open questions than the page has. */
  moreQuestions: boolean;
  /** True while there are older stuck messages than the page has. */
  moreStuck: boolean;
  /** Displayed messages outside of that window: found by search, stuck, or waiting in an inbox. */
  elsewhere: ReadonlyMap<number, MessageView>;
  tails: ReadonlyMap<string, Tail>;
  partials: ReadonlyMap<string, Partial>;
}

/** Requests that were open and are not in the snapshot, which has all open ones: they have finished. */
export const settledSince = (before: State | undefined, snapshot: StateSnapshot): number[] =>
  [...(before?.approvals.values() ?? [])]
    .filter((one) => isOpen(one) && !snapshot.approvals.some(({ id }) => id === one.id))
    .map(({ id }) => id);

/** The state of a page. `settled` are the requests of `settledSince` in their final state. */
export function fromSnapshot(snapshot: StateSnapshot, before?: State, settled: readonly ApprovalView[] = []): State {
  const moreQuestions = snapshot.more?.questions === true;
  const listedTo = moreQuestions ? (snapshot.questions.at(-1)?.id ?? 0) : Infinity;
  return {
    seq: snapshot.seq,
    you: snapshot.you,
    hive: snapshot.hive,
    agents: new Map(snapshot.agents.map((agent) => [agent.name, agent])),
    // A question that is no longer open has ended in some way. It stays for an operator who is writing an answer. Of
    // those behind the end of a list that is full nothing is known.
    questions: new Map([
      ...[...(before?.questions.values() ?? [])].map(
        (one) => [one.id, one.state === "open" && one.id <= listedTo ? { ...one, state: "cancelled" as const } : one] as const,
      ),
      ...snapshot.questions.map((one) => [one.id, one] as const),
    ]),
    // Finished requests that the page has fetched stay: the snapshot has only the open ones.
    approvals: new Map(
      [...[...(before?.approvals.values() ?? [])].filter((one) => !isOpen(one)), ...settled, ...snapshot.approvals].map(
        (one) => [one.id, one] as const,
      ),
    ),
    repos: new Map(snapshot.repos.map((repo) => [repo.name, repo])),
    // Finished changes that the page has fetched stay, too.
    changes: new Map(
      [...[...(before?.changes.values() ?? [])].filter((one) => isChangeOver(one.state)), ...snapshot.changes].map(
        (one) => [one.id, one] as const,
      ),
    ),
    // There may be a gap between the known messages and the snapshot, or changes in it. The window restarts.
    messages: snapshot.messages,
    moreMessages: snapshot.messages.length >= SNAPSHOT_MESSAGES || snapshot.more?.messages === true,
    moreQuestions,
    moreStuck: snapshot.more?.stuck === true,
    elsewhere: new Map(snapshot.stuck.map((message) => [message.id, message])),
    tails: before?.tails ?? new Map(),
    partials: new Map(),
  };
}

/** Applies an event. Upserts by id: a duplicate or late event changes nothing. */
export function apply(state: State, event: HiveEvent): State {
  switch (event.kind) {
    case "you":
      return { ...state, you: event.you };
    case "hive":
      return { ...state, hive: event.hive };
    case "agent":
      return { ...state, agents: withEntry(state.agents, event.agent.name, event.agent) };
    case "repo": {
      const repos = new Map(state.repos);
      if (event.repo) repos.set(event.name, event.repo);
      else repos.delete(event.name);
      return { ...state, repos };
    }
    case "change": {
      const known = state.changes.get(event.change.id);
      if (known && known.seq >= event.change.seq) return state;
      return {
        ...state,
        seq: Math.max(state.seq, event.seq),
        changes: withEntry(state.changes, event.change.id, event.change),
      };
    }
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
      return withMessage({ ...state, seq: Math.max(state.seq, event.seq) }, event.message);
    case "turn":
      return applyTurns({ ...state, seq: Math.max(state.seq, event.seq) }, event.turn.agent, [event.turn]);
    case "delta":
      return { ...state, partials: withDelta(state.partials, event.agent, event.delta) };
    case "reset":
      return state;
  }
}

/** True for a request that has not finished: it waits for the operator or is being carried out. */
export function isOpen(approval: ApprovalView): boolean {
  return !isTerminal(approval.state);
}

/** Upserts a message: into the window, or into `elsewhere` if it is older than the window's first. */
function withMessage(state: State, message: MessageView): State {
  const first = state.messages[0];
  if (first && message.id < first.id && state.moreMessages) return { ...state, elsewhere: aside(state.elsewhere, [message]) };
  const messages = mergeMessages(state.messages, [message]);
  // Messages that were dropped at the beginning can be fetched again.
  return { ...state, messages, moreMessages: state.moreMessages || (first !== undefined && (messages[0]?.id ?? 0) > first.id) };
}

/** Adds messages outside of the window. The newer change wins. */
export function aside(known: State["elsewhere"], messages: readonly MessageView[]): State["elsewhere"] {
  const next = new Map(known);
  for (const message of messages) {
    const there = next.get(message.id);
    if (!there || there.seq < message.seq) next.set(message.id, message);
  }
  return next;
}

/** Finds a known message by id. */
export function messageById(state: Pick<State, "messages" | "elsewhere">, id: number): MessageView | undefined {
  const found = state.messages[indexOf(state.messages, id)];
  return found?.id === id ? found : state.elsewhere.get(id);
}

/**
 * Applies the events of one frame. Turn events of the same agent are merged into its tail together, so the tail is
 * copied once.
 */
export function applyAll(state: State, events: readonly HiveEvent[]): State {
  let next = state;
  for (let at = 0; at < events.length; at++) {
    const event = events[at];
    if (event?.kind !== "turn") {
      if (event) next = apply(next, event);
      continue;
    }
    const run = [event.turn];
    for (let more = events[at + 1]; more?.kind === "turn" && more.turn.agent === event.turn.agent; more = events[at + 1]) {
      run.push(more.turn);
      at++;
    }
    next = applyTurns({ ...next, seq: Math.max(next.seq, run.at(-1)?.seq ?? 0) }, event.turn.agent, run);
  }
  return next;
}

function applyTurns(state: State, agent: string, turns: readonly StoredTurnEvent[]): State {
  const tail = state.tails.get(agent);
  const tails = tail ? withEntry(state.tails, agent, mergeTail(tail, turns)) : state.tails;
  // The partial text is now stored, or its turn has ended.
  const ends = turns.some(({ event }) => event.type !== "note" && event.type !== "tool_result");
  if (!ends || !state.partials.has(agent)) return { ...state, tails };
  const partials = new Map(state.partials);
  partials.delete(agent);
  return { ...state, tails, partials };
}

/** Characters of partial text that a page keeps of an agent: the longest text of one event. */
const MAX_PARTIAL_CHARS = 256 * 1024;

function withDelta(partials: State["partials"], agent: string, delta: LiveDelta): State["partials"] {
  const next = new Map(partials);
  const current = partials.get(agent);
  if (delta.kind === "reset") next.delete(agent);
  else {
    const text = current?.kind === delta.kind ? current.text + delta.text : delta.text;
    next.set(agent, { kind: delta.kind, text: text.slice(-MAX_PARTIAL_CHARS) });
  }
  return next;
}

/**
 * Merges older or newer pages into a tail. Events at the end, which nearly all are, are pushed to the same array, so
 * that a tail of a hundred thousand events is not copied for one more.
 */
export function mergeTail(tail: Tail, events: readonly StoredTurnEvent[], more = tail.more): Tail {
  const last = tail.events.at(-1);
  const first = events[0];
  if (!first) return { events: tail.events, more };
  if (last && first.seq > last.seq) {
    const all = tail.events as StoredTurnEvent[];
    for (const event of events) all.push(event);
    // Dropped by the thousand, so that it does not happen with every event. They can be fetched again.
    if (all.length > MAX_TURN_EVENTS + CUT) return { events: all.slice(-MAX_TURN_EVENTS), more: true };
    return { events: all, more };
  }
  const bySeq = new Map([...tail.events, ...events].map((event) => [event.seq, event]));
  return { events: [...bySeq.values()].sort((a, b) => a.seq - b.seq), more };
}

/** Upserts messages by id. The newer `seq` wins. */
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

/** The index of an id, or where it belongs. Most changes are at the end. */
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
