import { requestCan } from "../../wire/request-states.ts";
import { MAX_NOTE_CHARS, MAX_QUESTION_CHARS } from "../../wire/limits.ts";
import type { AgentView, QuestionView } from "../../wire/agent.ts";
import type { ApprovalView } from "../../wire/approval.ts";
import type { StateSnapshot } from "../../wire/event.ts";
import type { Output } from "../../wire/operations.ts";
import { agentOf, itemsOf, type Item } from "./model.ts";

/** An effect of a key outside of the screen. */
export type Effect =
  | { do: "quit" }
  | { do: "tail"; agent: string }
  /** Reads the diff of a request for the question that is open. */
  | { do: "look"; id: number }
  | { do: "approve"; request: ApprovalView }
  /** A text that was typed: an answer, or the note of a denial. */
  | { do: "write"; to: Addressee; text: string }
  | { do: "cancel" | "stop" | "start" | "pause" | "resume"; agent: string };

/** What a text is typed for: the answer to a question, or the note with which a request is denied. */
export type Addressee = { kind: "answer"; question: QuestionView } | { kind: "deny"; request: ApprovalView };

/** An overlay on the list. `skip` counts the lines scrolled past. */
export type Pane =
  | { kind: "help"; skip: number }
  | { kind: "item"; item: Item; skip: number }
  /** A question. `y` runs its effect; any other key closes it. */
  | { kind: "ask"; words: string; yes: Effect; skip: number }
  /** The question whether to approve. `y` approves only after the end of the diff was on the screen. */
  | { kind: "approve"; request: ApprovalView; shown?: Output<"show">; isRead: boolean; skip: number }
  /** A text that is typed. `problem`: why it was refused. */
  | { kind: "type"; to: Addressee; text: string; problem?: string; skip: number }
  | { kind: "words"; title: string; words: string; skip: number };

/** The screen's state, apart from the data. */
export interface Ui {
  /** The key of the selected item. Falls back to the first item if it no longer exists. */
  selected?: string | undefined;
  pane?: Pane | undefined;
  /** The result of the last key, until the next key. */
  notice?: { words: string; isError: boolean } | undefined;
}

/** Rows that the page keys move by. */
const PAGE = 10;
const MOVES: Readonly<Record<string, number>> = {
  up: -1,
  down: 1,
  "page up": -PAGE,
  "page down": PAGE,
  home: -Infinity,
  end: Infinity,
};
/** Letters that move where nothing is typed. */
const LETTERS: Readonly<Record<string, string>> = { k: "up", j: "down", g: "home", G: "end" };

/** The selected item, or else the first. */
export function selectedOf(ui: Ui, items: readonly Item[]): Item | undefined {
  return items.find((one) => one.key === ui.selected) ?? items[0];
}

/** Handles a key: returns the next screen state and the effect. Pure. */
export function press(ui: Ui, key: string, state: StateSnapshot): { ui: Ui; effect?: Effect } {
  const quiet: Ui = { selected: ui.selected, pane: ui.pane };
  if (key === "quit") return { ui: quiet, effect: { do: "quit" } };
  if (ui.pane?.kind === "type") return typeIn(ui.pane, ui.selected, key);
  const move = MOVES[LETTERS[key] ?? key];
  if (ui.pane) {
    if (move !== undefined) return { ui: { ...quiet, pane: { ...ui.pane, skip: Math.max(0, ui.pane.skip + move) } } };
    if (ui.pane.kind === "ask") {
      const closed = { selected: ui.selected };
      return key === "y" ? { ui: closed, effect: ui.pane.yes } : { ui: { ...closed, notice: said("nothing is changed") } };
    }
    if (ui.pane.kind === "approve") return decide(ui.pane, ui.selected, key);
    if (["q", "escape", "enter"].includes(key) || ui.pane.kind !== "item") return { ui: { selected: ui.selected } };
    return act({ selected: ui.selected }, key, state);
  }
  const items = itemsOf(state);
  if (move !== undefined) {
    const at = items.findIndex((one) => one.key === selectedOf(ui, items)?.key);
    return { ui: { selected: items[Math.max(0, Math.min(items.length - 1, at + move))]?.key } };
  }
  if (key === "q") return { ui: quiet, effect: { do: "quit" } };
  return act(quiet, key, state);
}

/** A key for a text that is typed. */
function typeIn(pane: Extract<Pane, { kind: "type" }>, selected: string | undefined, key: string): ReturnType<typeof press> {
  const at = (text: string): ReturnType<typeof press> => ({ ui: { selected, pane: { ...pane, text } } });
  const { to, text } = pane;
  const move = MOVES[key];
  if (move !== undefined) return { ui: { selected, pane: { ...pane, skip: Math.max(0, pane.skip + move) } } };
  if (key === "escape") return { ui: { selected, notice: said("nothing is changed") } };
  if (key === "clear") return at("");
  if (key === "backspace")
    return at(
      Array.from(LETTER.segment(text), ({ segment }) => segment)
        .slice(0, -1)
        .join(""),
    );
  if (key === "enter") {
    // A denial needs no note.
    if (to.kind === "answer" && text.trim() === "") return at(text);
    return { ui: { selected }, effect: { do: "write", to, text: text.trim() } };
  }
  const typed = key.startsWith(PASTED) ? key.slice(PASTED.length).replaceAll(/\r\n?/g, "\n") : key;
  // A control character is no text, but a pasted line break is.
  const added = typed.replaceAll(/(?!\n)\p{Cc}/gu, "");
  const most = to.kind === "answer" ? MAX_QUESTION_CHARS : MAX_NOTE_CHARS;
  return text.length + added.length > most ? at(text) : at(text + added);
}
const PASTED = "paste:";
const LETTER = new Intl.Segmenter();

/** A text that was refused is typed on, unless something else is asked by now. */
export function refused(ui: Ui, { to, text }: Extract<Effect, { do: "write" }>, problem: string): Ui | undefined {
  return ui.pane === undefined || ui.pane.kind === "item" || ui.pane.kind === "help"
    ? { selected: ui.selected, pane: { kind: "type", to, text, problem, skip: 0 } }
    : undefined;
}

/** A key for the question whether to approve. */
function decide(pane: Extract<Pane, { kind: "approve" }>, selected: string | undefined, key: string): ReturnType<typeof press> {
  if (key === " ") return { ui: { selected, pane: { ...pane, skip: pane.skip + PAGE } } };
  if (key !== "y") return { ui: { selected, notice: said("nothing is changed") } };
  // The foot says that there is more to read.
  if (!pane.shown || !pane.isRead) return { ui: { selected, pane } };
  return { ui: { selected }, effect: { do: "approve", request: pane.shown.approval } };
}

/** A pane after it was drawn with so many lines above and below the screen. */
export function seen(pane: Pane, skip: number, below: number): Pane {
  if (pane.kind !== "approve" || !pane.shown) return { ...pane, skip };
  return { ...pane, skip, isRead: pane.isRead || below === 0 };
}

/** The diff of a request has arrived. It belongs to the question only if that is still open. */
export function withDiff(ui: Ui, shown: Output<"show">): Ui {
  const { pane } = ui;
  return pane?.kind === "approve" && pane.request.id === shown.approval.id ? { ...ui, pane: { ...pane, shown } } : ui;
}

/** Keys that act on the selected item. */
function act(ui: Ui, key: string, state: StateSnapshot): { ui: Ui; effect?: Effect } {
  const item = selectedOf(ui, itemsOf(state));
  if (key === "?") return { ui: { ...ui, pane: { kind: "help", skip: 0 } } };
  if (key === "a" && item?.kind === "question") return type(ui, { kind: "answer", question: item.question });
  if (key === "a" || key === "d") return decideOn(ui, key === "a" ? "approve" : "deny", item, state);
  if (key === "enter" || key === "o") return open(ui, key, item, state);
  const does = AGENT_KEYS[key];
  if (!does) return { ui };
  const agent = agentOf(state, item);
  if (!agent) return { ui: { ...ui, notice: said("select an agent first") } };
  const wanted = does(agent);
  if ("not" in wanted) return { ui: { ...ui, notice: said(wanted.not) } };
  if (wanted.asks === undefined) return { ui, effect: wanted.effect };
  return { ui: { ...ui, pane: { kind: "ask", words: wanted.asks, yes: wanted.effect, skip: 0 } } };
}

type Wanted = { effect: Effect; asks?: string } | { not: string };
const AGENT_KEYS: Readonly<Record<string, (agent: AgentView) => Wanted>> = {
  t: ({ name }) => ({ effect: { do: "tail", agent: name } }),
  c: ({ name, state }) =>
    state === "thinking" || state === "compacting"
      ? { effect: { do: "cancel", agent: name }, asks: `cancel the turn of ${name}? Its message is dropped` }
      : { not: `${name} has no turn running` },
  s: ({ name, state, state_reason: reason, running, failed }) =>
    running || failed
      ? { effect: { do: "stop", agent: name }, asks: `stop ${name}? Its turn may finish (30 s)` }
      : { not: `${name} is ${state === "offline" && reason !== undefined ? reason : "stopped"} already` },
  S: ({ name, running }) => (running ? { not: `${name} runs already` } : { effect: { do: "start", agent: name } }),
  p: ({ name, paused }) => ({ effect: { do: paused ? "resume" : "pause", agent: name } }),
};

const type = (ui: Ui, to: Addressee): { ui: Ui } => ({ ui: { ...ui, pane: { kind: "type", to, text: "", skip: 0 } } });

/** Picks the request to decide on: the selected one, else the one that waits for the selected agent, else the first of the page. */
function decideOn(ui: Ui, how: "approve" | "deny", item: Item | undefined, state: StateSnapshot): ReturnType<typeof press> {
  const pending = itemsOf(state).flatMap((one) => (one.kind === "request" && requestCan(one.request, how) ? [one.request] : []));
  const agent = agentOf(state, item)?.name;
  const request = item?.kind === "request" ? item.request : (pending.find((one) => one.agent === agent) ?? pending.at(0));
  if (!request) return { ui: { ...ui, notice: said("nothing waits for approval") } };
  if (!requestCan(request, how)) return { ui: { ...ui, notice: said(`#${request.id} is ${request.state} already`) } };
  if (how === "deny") return type(ui, { kind: "deny", request });
  return {
    ui: { ...ui, pane: { kind: "approve", request, isRead: false, skip: 0 } },
    effect: { do: "look", id: request.id },
  };
}

function open(ui: Ui, key: string, item: Item | undefined, state: StateSnapshot): { ui: Ui } {
  if (!item) return { ui: { ...ui, notice: said("there is nothing to open") } };
  if (key === "enter") return { ui: { ...ui, pane: { kind: "item", item, skip: 0 } } };
  return { ui: { ...ui, pane: { kind: "words", title: "PAGE", words: pageOf(item, state), skip: 0 } } };
}

/** The address of an item's page. */
export function pageOf(item: Item, state: StateSnapshot): string {
  if (item.kind === "agent") return item.agent.url;
  // An agent's address is below the dashboard's. The manager always exists, so there is at least one agent.
  const origin = state.agents[0]?.url.replace(/\/agent\/[^/]*$/, "") ?? "";
  return item.kind === "request" ? `${origin}/approval/${item.request.id}` : `${origin}/`;
}

const said = (words: string): { words: string; isError: boolean } => ({ words, isError: false });
