import { useSyncExternalStore } from "react";
import type { AgentView } from "../../src/wire/agent.ts";
import type { ApprovalView } from "../../src/wire/approval.ts";
import type { HiveEvent, StateSnapshot } from "../../src/wire/event.ts";
import type { MessageView } from "../../src/wire/message.ts";
import type { ChangeView, RepoView } from "../../src/wire/work.ts";
import { toast } from "../kit/toast.tsx";
import { call, guardWith } from "./api.ts";
import { snapshot, stream } from "./bootstrap.ts";
import { changeName } from "./changes.ts";
import { notify } from "./notify.ts";
import { restOf } from "./rest-of.ts";
import { openQuestions, stuckMessages } from "./waiting.ts";
import {
  apply,
  applyAll,
  aside,
  fromSnapshot,
  mergeMessages,
  mergeTail,
  messageById,
  settledSince,
  type State,
} from "./state.ts";

/** Turn events per page of history. */
const TAIL_PAGE = 300;
/** Requests searched for those that finished in a gap: more than are open at a time. */
const NEWEST_REQUESTS = 50;

interface Held {
  state: State | undefined;
  isLive: boolean;
  /** The connection to the hive is lost. False while the first connection is being made. */
  isLost: boolean;
  error: string | undefined;
}

let held: Held = { state: undefined, isLive: false, isLost: false, error: undefined };
const listeners = new Set<() => void>();
/** Events that arrived while a snapshot was being fetched. */
let early: HiveEvent[] | undefined;
let pending: HiveEvent[] = [];

function set(next: globalThis.Partial<Held>): void {
  held = { ...held, ...next };
  for (const listener of listeners) listener();
}

/** Takes the embedded snapshot, or fetches one, and follows the stream. Runs once per page. */
export function begin(): void {
  guardWith(() => held.state?.you.passkey === true);
  if (snapshot) {
    take(snapshot);
    void restOf(snapshot, call).then(
      (rest) => {
        knowApprovals(rest.approvals);
        knowChanges(rest.changes);
        for (const repo of rest.repos) if (!held.state?.repos.has(repo.name)) knowRepo(repo);
      },
      (error: unknown) => {
        console.error(error);
        void refresh();
      },
    );
  } else void refresh();
  stream.listen({ onEvent, onConnection: (isLive) => set({ isLive, isLost: !isLive }), onGap: () => void refresh() });
}

function take(taken: StateSnapshot, settled: readonly ApprovalView[] = []): void {
  stream.moveTo(taken.seq);
  let state = fromSnapshot(taken, held.state, settled);
  for (const event of early ?? []) state = apply(state, event);
  early = undefined;
  set({ state, error: undefined });
}

async function refresh(): Promise<void> {
  early ??= [];
  try {
    const response = await fetch("/api/state");
    if (response.status === 401) return location.assign("/login");
    const { state: first } = (await response.json()) as { state: StateSnapshot };
    const rest = await restOf(first, call);
    const state: StateSnapshot = {
      ...first,
      approvals: [...rest.approvals, ...first.approvals],
      changes: [...rest.changes, ...first.changes],
      repos: [...first.repos, ...rest.repos],
    };
    const ids = settledSince(held.state, state);
    // An operator who is writing a note to such a request still sees it, with its result.
    const newest = ids.length === 0 ? [] : (await call("approvals", { limit: NEWEST_REQUESTS })).approvals;
    take(
      state,
      newest.filter(({ id }) => ids.includes(id)),
    );
    for (const name of held.state?.tails.keys() ?? []) void loadTail(name);
  } catch (error) {
    console.error(error);
    set({ error: "the hive does not answer" });
    setTimeout(() => void refresh(), 1000);
  }
}

/** True for an event that is news to this page. A change of an old message is not. */
function isNew(before: State, event: HiveEvent): boolean {
  if (event.kind === "message") return event.message.id > before.hive.read_up_to && !messageById(before, event.message.id);
  if (event.kind === "question") return !before.questions.has(event.question.id);
  if (event.kind === "agent")
    return event.agent.over_budget === true && before.agents.get(event.agent.name)?.over_budget !== true;
  if (event.kind === "change") return before.changes.get(event.change.id)?.round !== event.change.round;
  return event.kind === "approval" && before.approvals.get(event.approval.id)?.state !== "pending";
}

/** Reports news to the operator: by a notification, and the end of a deploy or a merge by a toast. */
function announce(before: State, event: HiveEvent): void {
  if (isNew(before, event)) notify(event);
  if (event.kind === "change") announceMerge(before, event.change);
  if (event.kind !== "approval") return;
  const { id, agent, state, error } = event.approval;
  const was = before.approvals.get(id)?.state;
  if (was === undefined || was === state) return;
  if (state === "deployed") toast(`deployed/${id}: ${agent} runs it`);
  if (state === "failed") toast(`request ${id} for ${agent} failed: ${error?.split("\n")[0] ?? "no reason was given"}`, "error");
}

function announceMerge(before: State, change: ChangeView): void {
  const was = before.changes.get(change.id)?.state;
  if (was === undefined || was === change.state) return;
  if (change.state === "merged") toast(`${changeName(change)} is merged into ${change.base}`);
  if (change.state === "push_failed") toast(`${changeName(change)} could not be pushed`, "error");
}

/** Events of one frame become one render: a storm costs the page sixty renders a second, not thousands. */
function onEvent(event: HiveEvent): void {
  if (early) return void early.push(event);
  pending.push(event);
  if (pending.length > 1) return;
  const flush = (): void => {
    const events = pending;
    pending = [];
    if (!held.state) return;
    for (const one of events) announce(held.state, one);
    set({ state: applyAll(held.state, events) });
  };
  // A hidden tab gets no frames, but its title still shows counts.
  if (document.hidden) setTimeout(flush, 100);
  else requestAnimationFrame(flush);
}

/** Loads the newest page of an agent's tail, which is kept up to date from then on. */
export async function loadTail(agent: string): Promise<void> {
  if (held.state && !held.state.tails.has(agent)) putTail(agent, [], true);
  const { events, more } = await call("turn_events", { agent, limit: TAIL_PAGE });
  const known = held.state?.tails.get(agent)?.events ?? [];
  const [first] = events;
  const oldest = known[0];
  const newest = known.at(-1);
  // After a gap that is longer than a page the tail restarts with that page: what is between would be missing from it.
  if (more && first && newest && newest.seq < first.seq) clearTail(agent);
  const isKept = oldest && first && newest && oldest.seq < first.seq && (!more || newest.seq >= first.seq);
  putTail(agent, events, isKept ? (held.state?.tails.get(agent)?.more ?? more) : more);
}

/** Loads the page before the oldest known event. */
export async function loadOlder(agent: string): Promise<void> {
  const before = held.state?.tails.get(agent)?.events[0]?.seq;
  const { events, more } = await call("turn_events", { agent, limit: TAIL_PAGE, ...(before === undefined ? {} : { before }) });
  putTail(agent, events, more);
}

function putTail(agent: string, events: Parameters<typeof mergeTail>[1], more: boolean): void {
  if (!held.state) return;
  const tails = new Map(held.state.tails);
  tails.set(agent, mergeTail(tails.get(agent) ?? { events: [], more }, events, more));
  set({ state: { ...held.state, tails } });
}

/** Messages per page of history. */
const MESSAGE_PAGE = 200;

/** Extends the window of messages to earlier ones. */
export async function loadOlderMessages(): Promise<void> {
  const before = held.state?.messages[0]?.id;
  const { messages, more } = await call("messages", { limit: MESSAGE_PAGE, ...(before === undefined ? {} : { before }) });
  if (!held.state || held.state.messages[0]?.id !== before) return;
  set({
    state: {
      ...held.state,
      messages: mergeMessages(held.state.messages, messages),
      moreMessages: messages.length === MESSAGE_PAGE || more === true,
    },
  });
}

/** Messages of one request for more stuck ones. */
const STUCK_PAGE = 100;

/** Loads stuck messages older than those that the page has. */
export async function loadMoreStuck(): Promise<void> {
  const before = held.state && stuckMessages(held.state)[0]?.id;
  const { messages, more } = await call("messages", {
    stuck: true,
    limit: STUCK_PAGE,
    ...(before === undefined ? {} : { before }),
  });
  know(messages);
  if (held.state) set({ state: { ...held.state, moreStuck: more === true } });
}

/** Loads open questions newer than those that the page has. */
export async function loadMoreQuestions(): Promise<void> {
  const after = held.state && openQuestions(held.state).at(-1)?.id;
  const { questions, more } = await call("questions", after === undefined ? {} : { after });
  if (!held.state) return;
  let state = held.state;
  for (const question of questions) state = apply(state, { kind: "question", seq: state.seq, question });
  set({ state: { ...state, moreQuestions: more === true } });
}

/** Keeps displayed messages outside of the window up to date. */
export function know(messages: readonly MessageView[]): void {
  if (held.state && messages.length > 0) set({ state: { ...held.state, elsewhere: aside(held.state.elsewhere, messages) } });
}

/** Keeps displayed requests up to date. */
export function knowApprovals(approvals: readonly ApprovalView[]): void {
  if (!held.state) return;
  let state = held.state;
  for (const approval of approvals) state = apply(state, { kind: "approval", seq: state.seq, approval });
  set({ state });
}

/** Keeps displayed changes up to date. */
export function knowChanges(changes: readonly ChangeView[]): void {
  if (!held.state) return;
  let state = held.state;
  for (const change of changes) state = apply(state, { kind: "change", seq: state.seq, change });
  set({ state });
}

/** Keeps a repository up to date that an answer has brought. */
export function knowRepo(repo: RepoView): void {
  if (held.state) set({ state: apply(held.state, { kind: "repo", name: repo.name, repo }) });
}

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
};

/** Loading, connection and the first failure: the status around the state. */
export function useHeld(): Held {
  return useSyncExternalStore(subscribe, () => held);
}

/** Whether the page is connected to the hive. */
export function useIsLive(): boolean {
  return useSyncExternalStore(subscribe, () => held.isLive);
}

/** All agents that the page currently has. */
export const agentsNow = (): Iterable<AgentView> => held.state?.agents.values() ?? [];

/** A part of the state. `select` must return the same object as long as nothing has changed. */
export function useHive<T>(select: (state: State) => T): T {
  return useSyncExternalStore(subscribe, () => {
    if (!held.state) throw new Error("the state is not loaded");
    return select(held.state);
  });
}

/** Clears one agent's screen. Later events appear again. */
export function clearTail(agent: string): void {
  if (!held.state) return;
  set({ state: { ...held.state, tails: new Map(held.state.tails).set(agent, { events: [], more: false }) } });
}
