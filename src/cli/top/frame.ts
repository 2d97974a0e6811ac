import { costWords } from "../../wire/cost.ts";
import { requestCan } from "../../wire/request-states.ts";
import type { StateSnapshot } from "../../wire/event.ts";
import { agentTable, bannersOf, waitingChanges, waitingWords } from "../agent-text.ts";
import { bodyOf, MESSAGE_STATES } from "../message-text.ts";
import { age, count, oneLine, plural, type Paint } from "../print.ts";
import { filled, line, windowAt, type Screen } from "./line.ts";
import { itemsOf, type Item, type TopModel } from "./model.ts";
import { selectedOf, type Ui } from "./press.ts";

/** The foot when nothing has just happened. It is cut at the right, so the most needed keys come first. */
const FOOT = "q quit  ? keys  ↵ open  t tail  a approve, answer  d deny  c cancel  s stop  S start  p pause";
/** Marks the selected row; the other rows are indented by as much. */
const [MARK, NO_MARK] = ["▸ ", "  "];
/** Below this many lines there is a single list: the agents, or what waits if the selection is there. */
const TWO_LISTS = 7;

/** The whole screen without a pane, as lines: no more lines than rows, and none longer than a row. */
export function topFrame({ state, isLive }: TopModel, ui: Ui, screen: Screen): string[] {
  const items = itemsOf(state);
  const selected = selectedOf(ui, items)?.key;
  const head = headOf(state, isLive, screen);
  const room = screen.rows - head.length - 2;
  if (room < 2) return filled(head, foot(ui, "", screen), screen);
  const agents = items.filter((one) => one.kind === "agent");
  const waits = items.filter((one) => one.kind !== "agent");
  const isInWaits = waits.some((one) => one.key === selected);
  // The agents come first. If the selection is in the second list, that list gets a share of a small screen, or all of
  // a tiny one.
  const forWaits = !isInWaits ? 0 : room < TWO_LISTS ? room : Math.min(waits.length + 2, Math.floor(room / 2));
  const shownAgents = Math.min(Math.max(1, agents.length), Math.max(1, room - 1 - forWaits));
  let lines = head;
  let hidden = "";
  if (forWaits < room) {
    const [title = "", ...body] = agentRows(agents, selected, screen);
    const at = agents.findIndex((one) => one.key === selected);
    const { shown, skip } = windowAt(body, at < 0 ? agents.length : at, shownAgents);
    lines = [...lines, "", title, ...shown];
    hidden = hiddenWords(skip, body.length - shown.length - skip);
  }
  const left = (): number => screen.rows - lines.length - 1;
  if (left() > 2 && waits.length > 0) {
    const most = isInWaits ? Math.max(forWaits - 2, 1) : Math.floor((left() - 1) / 2);
    const rows = waits.map((one) => waitingRow(one, one.key === selected, screen));
    const { shown } = windowAt(rows, isInWaits ? waits.findIndex((one) => one.key === selected) : 0, Math.min(most, left() - 2));
    lines = lines.concat(section("WAITS", shown, screen));
  }
  if (left() > 2) lines = lines.concat(section("FLOW", flow(state, screen).slice(-(left() - 2)), screen));
  return filled(lines, foot(ui, hidden, screen), screen);
}

function headOf({ hive, ...state }: StateSnapshot, isLive: boolean, screen: Screen): string[] {
  const waits = waitingWords({ hive, ...state });
  const first = line(
    [
      [["amber", "bold"], "◆ HYPERHIVE"],
      [hive.mode === "live" ? "green" : "mauve", `  ${hive.mode}`],
      isLive ? [undefined, ""] : ["red", "  reconnecting… what you see may be old"],
      [
        undefined,
        `  up ${age(hive.started_at, screen.now)}  ${costWords(hive.cost_today_usd, hive.unpriced_today)} and ${count(hive.tokens_today)} tok today`,
      ],
    ],
    screen,
  );
  const second =
    waits.length === 0
      ? line([["dim", "  nothing waits for you"]], screen)
      : line(
          [
            ["amber", "◆ waits for you: "],
            [["amber", "bold"], waits.join(", ")],
          ],
          screen,
        );
  const changes = waitingChanges(state.changes);
  const third = changes === "" ? [] : [line([["amber", `◆ ${changes}`]], screen)];
  const banners = bannersOf({ hive, ...state }).map((banner) =>
    line([[banner.level === "error" ? "red" : "amber", `! ${oneLine(banner.text)}`]], screen),
  );
  return [first, ...(waits.length === 0 && changes !== "" ? [] : [second]), ...third, ...banners];
}

/** The result of the last key, or else the keys. In front of the keys, how many rows are hidden. */
function foot({ notice }: Ui, hidden: string, screen: Screen): string {
  if (notice) return line([[notice.isError ? "red" : "amber", oneLine(notice.words)]], screen);
  return line(
    [
      ["amber", hidden],
      ["dim", FOOT],
    ],
    screen,
  );
}

function hiddenWords(above: number, below: number): string {
  const parts = [above > 0 ? `${above} above` : "", below > 0 ? `${below} below` : ""].filter((words) => words !== "");
  return parts.length > 0 ? `${parts.join(", ")}   ` : "";
}

/** The table of the agents: a title, then a row for each. The selected row is marked. */
function agentRows(items: readonly Item[], selected: string | undefined, { paint, columns, now }: Screen): string[] {
  const agents = items.flatMap((one) => (one.kind === "agent" ? one.agent : []));
  const [title = "", ...rows] = agentTable(agents, { paint, width: Math.max(1, columns - MARK.length), now }).split("\n");
  if (columns < MARK.length * 2) return [title, ...rows];
  if (agents.length === 0) return ["", NO_MARK + title];
  return [NO_MARK + title, ...rows.map((row, at) => markOf(items[at]?.key === selected, paint) + row)];
}

const markOf = (isSelected: boolean, paint: Paint): string => (isSelected ? paint(["amber", "bold"], MARK) : NO_MARK);

function section(title: string, lines: readonly string[], screen: Screen): string[] {
  return lines.length === 0 ? [] : ["", line([["amber", `◆ ${title}`]], screen), ...lines];
}

function waitingRow(item: Item, isSelected: boolean, screen: Screen): string {
  const mark = [["amber", "bold"], isSelected ? MARK : NO_MARK] as const;
  if (item.kind === "question") {
    const { id, agent, asked_at: at, question } = item.question;
    return line(
      [
        mark,
        ["mauve", `?${id}`],
        ["bold", ` ${oneLine(agent)}`],
        ["dim", ` ${age(at, screen.now)}`],
        [undefined, ` ${oneLine(question)}`],
      ],
      screen,
    );
  }
  if (item.kind === "agent") return "";
  const { id, state, kind, agent, requested_at: at, risks, description = "" } = item.request;
  const isDanger = risks.some((risk) => risk.level === "danger");
  return line(
    [
      mark,
      [requestCan(item.request, "approve") ? "amber" : "mauve", `#${id} ${state}`],
      ["bold", ` ${kind === "spawn" ? "spawn" : "config of"} ${agent}`],
      ["dim", ` ${age(at, screen.now)}`],
      [isDanger ? "red" : undefined, risks.length > 0 ? ` ${plural(risks.length, "mark")}` : ""],
      [undefined, ` ${oneLine(description)}`],
    ],
    screen,
  );
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
