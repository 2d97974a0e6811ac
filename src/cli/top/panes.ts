import { hivectl } from "../../lib/hivectl.ts";
import { costWords } from "../../wire/cost.ts";
import type { AgentView, QuestionView } from "../../wire/agent.ts";
import type { ApprovalView } from "../../wire/approval.ts";
import type { StateSnapshot } from "../../wire/event.ts";
import type { Output } from "../../wire/operations.ts";
import { workWords } from "../agent-text.ts";
import { messageText } from "../message-text.ts";
import { age, clean, count, duration, plural, width as widthOf, type View } from "../print.ts";
import { questionText } from "../question-text.ts";
import { requestSummary, requestText } from "../request-text.ts";
import { chopped, reflow } from "../wrap.ts";
import { KEYS } from "./keys.ts";
import { filled, line, type Screen } from "./line.ts";
import { itemsOf, type Item } from "./model.ts";
import { pageOf, type Pane } from "./press.ts";

/** Recent messages in an agent's details. */
const RECENT_MESSAGES = 5;
/** The keys that answer a question. */
export const ANSWERS = "y: yes, any other key: no";
/** Indentation of a field's text. */
const FIELD = 10;
/** Indentation of a key's text. */
const KEY = 14;

/** The whole screen with a pane over the list. Returns how many lines are above and below the screen. */
export function paneFrame(pane: Pane, state: StateSnapshot, screen: Screen): { lines: string[]; skip: number; below: number } {
  const view = { paint: screen.paint, width: screen.columns, now: screen.now };
  const { title, text, foot } = contentOf(pane, state, view);
  const all = pane.kind === "approve" && pane.shown ? diffLines(pane.shown, view) : chopped(reflow(text, view.width), view.width);
  // A question is drawn at the foot, so it stays visible while the pane scrolls.
  const room = Math.max(0, screen.rows - 2);
  const skip = Math.max(0, Math.min(pane.skip, all.length - room));
  const below = Math.max(0, all.length - room - skip);
  const more = below > 0 ? `${below} below  ` : "";
  return {
    lines: filled(
      [line([[["amber", "bold"], `◆ ${title}`]], screen), ...all.slice(skip, skip + room)],
      line(
        [
          ["amber", more],
          [
            ["ask", "approve", "type"].includes(pane.kind) ? ["amber", "bold"] : "dim",
            pane.kind === "approve" ? approveFoot(pane, below) : pane.kind === "type" ? typeFoot(pane, screen, more) : foot,
          ],
        ],
        screen,
      ),
      screen,
    ),
    skip,
    below,
  };
}

/** The lines of a diff that was drawn before, at its width: a long one takes a second to compare word by word. */
const drawn = new WeakMap<Output<"show">, { width: number; lines: string[] }>();

function diffLines(shown: Output<"show">, view: View): string[] {
  const before = drawn.get(shown);
  if (before?.width === view.width) return before.lines;
  const lines = chopped(reflow(requestText(shown, view), view.width), view.width);
  drawn.set(shown, { width: view.width, lines });
  return lines;
}

function approveFoot({ request, shown, isRead }: Extract<Pane, { kind: "approve" }>, below: number): string {
  if (!shown) return "reading the diff…  Esc back";
  return isRead || below === 0 ? `approve #${request.id}? ${ANSWERS}` : "j k space: read to the end, then y approves  Esc back";
}

/** The text that is typed, as far as it fits: its end. */
function typeFoot({ to, text }: Extract<Pane, { kind: "type" }>, { columns }: Screen, more: string): string {
  const what = to.kind === "answer" ? "answer" : `deny #${to.request.id}, note`;
  const keys = `  Enter ${to.kind === "answer" ? "sends" : "denies"}  Esc back`;
  const room = Math.max(0, columns - widthOf(`${more}${what}: ▏${keys}`));
  const shown = clean(text).replaceAll("\n", "⏎");
  let end = shown;
  while (widthOf(end) > room) end = Array.from(end).slice(1).join("");
  return `${what}: ${end}▏${keys}`;
}

interface Content {
  title: string;
  text: string;
  foot: string;
}

function contentOf(pane: Pane, state: StateSnapshot, view: View): Content {
  const back = "Esc back  j k scroll";
  switch (pane.kind) {
    case "help":
      return { title: "KEYS", text: helpText(view), foot: back };
    case "words":
      return { title: pane.title, text: clean(pane.words), foot: back };
    case "ask":
      return { title: "SURE?", text: pane.words, foot: ANSWERS };
    case "approve":
      return { title: `REQUEST #${pane.request.id}`, text: requestPane(pane.request, view), foot: "" };
    case "type": {
      const { to, problem } = pane;
      const item: Item =
        to.kind === "answer"
          ? { kind: "question", key: "", question: to.question }
          : { kind: "request", key: "", request: to.request };
      const { title, text } = itemContent(item, state, view);
      const why = problem === undefined ? "" : `${view.paint("red", clean(problem))}\n\n`;
      return { title, text: `${why}${text}`, foot: "" };
    }
    case "item": {
      // The current item. An item that was removed is shown in its last state.
      const item = itemsOf(state).find((one) => one.key === pane.item.key) ?? pane.item;
      const own = { question: "a answer", request: "a approve  d deny", agent: "a approve" }[item.kind];
      const foot = `${back}  ${own}  t tail  c cancel  s stop  S start  p pause`;
      return { ...itemContent(item, state, view), foot };
    }
  }
}

function itemContent(item: Item, state: StateSnapshot, view: View): Omit<Content, "foot"> {
  if (item.kind === "agent") return { title: clean(item.agent.name), text: agentPane(item.agent, item, state, view) };
  if (item.kind === "request") return { title: `REQUEST #${item.request.id}`, text: requestPane(item.request, view) };
  const { id } = item.question;
  return { title: `QUESTION #${id}`, text: `${questionText(item.question, view)}\n\n${howToAnswer(item.question)}` };
}

const howToAnswer = ({ id, options, multi }: QuestionView): string => {
  const numbers = options.length === 0 ? "" : ` or with the number of an option${multi ? ", several with spaces" : ""}`;
  return `a answers it in your own words${numbers}, as ${hivectl(`answer ${id} …`)} does`;
};

function requestPane(request: ApprovalView, view: View): string {
  const { files, added, removed } = request.stat;
  const change = files === 0 ? "" : `\n\n${plural(files, "file")}, +${added} -${removed}`;
  return `${requestSummary(request, request.base_sha, view)}${change}\n\n${hivectl(`show ${request.id}`)} has the diff`;
}

function agentPane(agent: AgentView, item: Item, state: StateSnapshot, view: View): string {
  const { paint, width, now } = view;
  const field = (name: string, words: string | undefined): string[] =>
    words === undefined || words === ""
      ? []
      : [reflow(`${paint("dim", name.padEnd(FIELD))}${clean(words)}`, width, Math.min(FIELD, Math.floor(width / 2)))];
  const turn = agent.last_turn;
  const context =
    agent.context_tokens === undefined
      ? undefined
      : `${count(agent.context_tokens)} of ${agent.context_window === undefined ? "?" : count(agent.context_window)} tok`;
  const messages = state.messages.filter((one) => one.to === agent.name || one.from.split("/")[0] === agent.name);
  return [
    ...field("state", `${agent.state === "idle" && agent.asleep ? "asleep" : agent.state}, ${age(agent.state_since, now)}`),
    ...field("why", agent.state_reason),
    ...field("about", agent.description),
    ...field("status", agent.status_text),
    ...field("model", agent.model),
    ...field("unread", agent.unread > 0 ? String(agent.unread) : undefined),
    ...field(
      "last turn",
      turn && `${duration(turn.duration_ms)}, ${turn.result === "ok" ? "ok" : turn.reason}, ${age(turn.ended_at, now)} ago`,
    ),
    ...(agent.work ?? []).flatMap((work) => field("work", `${work.repo}: ${workWords(work)}`)),
    ...field("context", context),
    ...field("today", `${costWords(agent.cost_today_usd, agent.unpriced_today)}, ${count(agent.tokens_today)} tok`),
    ...field("runs", agent.deployed_sha),
    ...field("deploy", agent.deploying === undefined ? undefined : `#${agent.deploying} is under way`),
    ...agent.warnings.flatMap((warning) => field("warning", warning)),
    ...field("page", pageOf(item, state)),
    ...(messages.length === 0 ? [] : ["", paint("amber", "◆ MESSAGES")]),
    ...messages.slice(-RECENT_MESSAGES).map((message) => messageText(message, view)),
  ].join("\n");
}

function helpText({ width }: View): string {
  const hang = Math.min(KEY, Math.floor(width / 2));
  return KEYS.map(([keys, words]) => reflow(`${keys.padEnd(KEY)}${words}`, width, hang)).join("\n");
}
