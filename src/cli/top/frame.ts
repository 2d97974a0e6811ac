import type { AgentView } from "../../wire/agent.ts";
import type { HiveEvent, StateSnapshot } from "../../wire/event.ts";
import { agentTable, waitingWords } from "../agent-text.ts";
import { bodyOf, MESSAGE_STATES } from "../message-text.ts";
import { age, count, dollars, fit, oneLine, plural, width, type Colour, type Paint } from "../print.ts";

/** Messages that are kept to be shown: more than any terminal has lines. */
const MAX_MESSAGES = 200;

/** What `hivectl top` holds: a snapshot, and what happened since. */
export interface TopModel {
  state: StateSnapshot;
  /** False while the daemon is away and what is shown may be old. */
  isLive: boolean;
}

/** Takes an event into the snapshot. */
export function take(state: StateSnapshot, event: HiveEvent): void {
  switch (event.kind) {
    case "hive":
      state.hive = event.hive;
      return;
    case "agent":
      state.agents = upsert(state.agents, event.agent, "name");
      return;
    case "question":
      state.questions = upsert(state.questions, event.question, "id").filter((one) => one.state === "open");
      return;
    case "approval":
      state.approvals = upsert(state.approvals, event.approval, "id").filter((one) => !SETTLED.has(one.state));
      return;
    case "message":
      state.messages = upsert(state.messages, event.message, "id").slice(-MAX_MESSAGES);
      return;
    default:
  }
}
const SETTLED: ReadonlySet<string> = new Set(["deployed", "failed", "denied", "cancelled"]);

function upsert<Row>(rows: Row[], row: Row, key: keyof Row): Row[] {
  const at = rows.findIndex((one) => one[key] === row[key]);
  return at < 0 ? [...rows, row] : rows.with(at, row);
}

export interface Screen {
  rows: number;
  columns: number;
  now: number;
  paint: Paint;
  /** Agents that are scrolled past. */
  skip: number;
}

type Span = readonly [Colour | readonly Colour[] | undefined, string];

/** A line of painted pieces, cut to the screen with a … wherever that is. */
function line(spans: readonly Span[], { columns, paint }: Screen): string {
  const whole = spans.reduce((sum, [, words]) => sum + width(words), 0);
  let left = whole <= columns ? columns : columns - 1;
  let text = "";
  for (const [colour, words] of spans) {
    const isCut = width(words) > left;
    const shown = isCut ? fit(words, left + 1) : words;
    left -= width(shown);
    text += colour === undefined ? shown : paint(colour, shown);
    if (isCut) break;
  }
  return text;
}

export interface TopFrame {
  lines: string[];
  /** Agents that were really scrolled past: no more than leaves the screen full. */
  skip: number;
}

/** The whole screen as lines: never more of them than it has, and none longer. */
export function topFrame({ state, isLive }: TopModel, screen: Screen): TopFrame {
  const { hive } = state;
  const agents = inOrder(state.agents.filter((agent) => !agent.destroyed));
  const waits = waitingWords(state);
  const head = [
    line(
      [
        [["amber", "bold"], "◆ HYPERHIVE"],
        [hive.mode === "live" ? "green" : "mauve", `  ${hive.mode}`],
        isLive ? [undefined, ""] : ["red", "  reconnecting… what you see may be old"],
        [
          undefined,
          `  up ${age(hive.started_at, screen.now)}  ${dollars(hive.cost_today_usd)} and ${count(hive.tokens_today)} tok today`,
        ],
      ],
      screen,
    ),
    waits.length === 0
      ? line([["dim", "  nothing waits for you"]], screen)
      : line(
          [
            ["amber", "◆ waits for you: "],
            [["amber", "bold"], waits.join(", ")],
          ],
          screen,
        ),
  ];
  for (const banner of hive.banners)
    head.push(line([[banner.level === "error" ? "red" : "amber", `! ${oneLine(banner.text)}`]], screen));
  const foot = (hidden: string): string =>
    line(
      [
        ["amber", hidden],
        ["dim", "q quit   j k scroll   hivectl --help lists the verbs"],
      ],
      screen,
    );

  const room = screen.rows - head.length - 2;
  const whole = (lines: readonly string[], hidden = ""): string[] => {
    const above = lines.slice(0, screen.rows - 1);
    return [...above, ...Array.from({ length: screen.rows - 1 - above.length }, () => ""), foot(hidden)];
  };
  if (room < 2) return { lines: whole(head), skip: 0 };
  const rows = agentTable(agents, { paint: screen.paint, width: screen.columns, now: screen.now }).split("\n");
  const [title = "", ...body] = rows;
  // The agents come first; what is left shows what waits and who said what.
  const shownAgents = Math.min(body.length, Math.max(1, room - 1));
  const skip = Math.min(screen.skip, body.length - shownAgents);
  let lines = [...head, "", title, ...body.slice(skip, skip + shownAgents)];
  const left = (): number => screen.rows - lines.length - 1;
  if (left() > 2) lines = lines.concat(section("WAITS", waiting(state, screen), Math.floor((left() - 1) / 2), screen));
  if (left() > 2) lines = lines.concat(section("FLOW", flow(state, screen).slice(-(left() - 2)), left() - 2, screen));
  const below = body.length - shownAgents - skip;
  const hidden = [skip > 0 ? `${skip} above` : "", below > 0 ? `${below} below` : ""].filter((words) => words !== "");
  return { lines: whole(lines, hidden.length > 0 ? `${hidden.join(", ")}   ` : ""), skip };
}

/** Who needs a look comes first; after that the manager, then by name. */
function inOrder(agents: readonly AgentView[]): AgentView[] {
  const rank = (agent: AgentView): number =>
    agent.state === "failed" || agent.state === "needs_login" ? 0 : agent.role === "manager" ? 1 : 2;
  return agents.toSorted((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}

function section(title: string, lines: readonly string[], most: number, screen: Screen): string[] {
  if (lines.length === 0 || most < 1) return [];
  return ["", line([["amber", `◆ ${title}`]], screen), ...lines.slice(0, most)];
}

function waiting({ approvals, questions }: StateSnapshot, screen: Screen): string[] {
  return [
    ...approvals.map((one) =>
      line(
        [
          [one.state === "pending" ? "amber" : "mauve", `  #${one.id} ${one.state}`],
          ["bold", ` ${one.kind === "spawn" ? "spawn" : "config of"} ${one.agent}`],
          ["dim", ` ${age(one.requested_at, screen.now)}`],
          [
            one.risks.some((risk) => risk.level === "danger") ? "red" : undefined,
            one.risks.length > 0 ? ` ${plural(one.risks.length, "mark")}` : "",
          ],
          [undefined, ` ${oneLine(one.description ?? "")}`],
        ],
        screen,
      ),
    ),
    ...questions.map((one) =>
      line(
        [
          ["mauve", `  ?${one.id}`],
          ["bold", ` ${oneLine(one.agent)}`],
          ["dim", ` ${age(one.asked_at, screen.now)}`],
          [undefined, ` ${oneLine(one.question)}`],
        ],
        screen,
      ),
    ),
  ];
}

function flow({ messages }: StateSnapshot, screen: Screen): string[] {
  return messages.map((one) =>
    line(
      [
        ["dim", `  ${age(one.created_at, screen.now).padStart(3)} `],
        ["bold", oneLine(one.from)],
        ["dim", " → "],
        ["bold", oneLine(one.to)],
        [
          one.state === "dead" || one.state === "held" ? "red" : "amber",
          one.state === "done" ? "" : ` ${MESSAGE_STATES[one.state]}`,
        ],
        [undefined, ` ${oneLine(bodyOf(one))}`],
      ],
      screen,
    ),
  );
}
