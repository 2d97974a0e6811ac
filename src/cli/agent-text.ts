import { hivectl } from "../lib/hivectl.ts";
import { costWords } from "../wire/cost.ts";
import { changeCan } from "../wire/change-states.ts";
import { requestCan } from "../wire/request-states.ts";
import type { AgentView } from "../wire/agent.ts";
import type { StateSnapshot } from "../wire/event.ts";
import { agentStateWord, allStoppedWords, branchWord, shownWork } from "../wire/words.ts";
import { age, clean, duration, fit, oneLine, plural, type Colour, type View } from "./print.ts";
import { table } from "./table.ts";
import { wrap } from "./wrap.ts";

const COLOURS: Record<AgentView["state"], Colour> = {
  failed: "red",
  offline: "dim",
  needs_login: "amber",
  paused: "dim",
  rate_limited: "amber",
  compacting: "mauve",
  thinking: "mauve",
  idle: "green",
};

/** Columns of a branch in the table: its length is the agent's choice, and the row has more to say. */
const MAX_BRANCH_COLUMNS = 24;

/** The agents as table rows. */
export function agentTable(agents: readonly AgentView[], { paint, width, now }: View): string {
  if (agents.length === 0) return paint("dim", "there are no agents yet");
  return table(
    agents,
    [
      { title: "NAME", value: (one) => one.name, colour: () => "bold" },
      {
        title: "STATE",
        value: (one) => agentStateWord(one),
        colour: (one) => COLOURS[one.state],
      },
      { title: "SINCE", value: (one) => age(one.state_since, now) },
      { title: "MODEL", value: (one) => one.model ?? "", spare: 3 },
      { title: "UNREAD", value: (one) => (one.unread > 0 ? String(one.unread) : ""), colour: () => "amber" },
      { title: "WORK", value: (one) => workWords(shownWork(one.work)), spare: 5 },
      {
        title: "LAST TURN",
        value: (one) => (one.last_turn ? lastTurnWords(one.last_turn) : ""),
        spare: 2,
      },
      {
        title: "DEPLOYED",
        value: (one) => `${one.deployed_sha ?? ""}${one.drift === undefined ? "" : " drift"}${one.needs_update ? " stale" : ""}`,
        spare: 4,
      },
      { title: "TODAY", value: (one) => costWords(one.cost_today_usd, one.unpriced_today), spare: 1 },
      { title: "STATUS", value: (one) => one.state_reason ?? one.warnings[0] ?? one.status_text ?? "", isWide: true },
    ],
    width,
    paint,
  );
}

/** `topic +12 -3`, as the agent says. */
export function workWords(work: ReturnType<typeof shownWork>): string {
  if (!work) return "";
  return `${fit(oneLine(branchWord(work)), MAX_BRANCH_COLUMNS)}${work.added + work.removed === 0 ? "" : ` +${work.added} -${work.removed}`}`;
}

function lastTurnWords({ duration_ms, result }: NonNullable<AgentView["last_turn"]>): string {
  return `${duration(duration_ms)}${result === "ok" ? "" : ` ${result}`}`;
}

/** What waits for the operator, as words. */
export function waitingWords({ approvals, questions, hive, stuck, more }: StateSnapshot): string[] {
  const pending = approvals.filter((one) => requestCan(one, "approve")).length;
  return [
    pending > 0 ? plural(pending, "request") : "",
    questions.length > 0 ? plural(questions.length, "question") : "",
    undecided(hive.over_budget) > 0 ? plural(undecided(hive.over_budget), "budget") : "",
    stuck.length > 0 ? `${plural(stuck.length, "stuck message")}${more?.stuck === true ? " or more" : ""}` : "",
    hive.operator_unread > 0 ? plural(hive.operator_unread, "unread message") : "",
  ].filter((words) => words !== "");
}

const undecided = (over: StateSnapshot["hive"]["over_budget"] = []): number =>
  over.filter(({ stopped_by: by }) => by === undefined).length;

/** How many changes wait for the operator, with the verb that lists them. Empty if none does. */
export function waitingChanges(changes: StateSnapshot["changes"]): string {
  const waiting = changes.filter((one) => changeCan(one, "approve")).length;
  return waiting === 0 ? "" : `${plural(waiting, "change")} ${waiting === 1 ? "waits" : "wait"}: ${hivectl("change list")}`;
}

/** The banners of the hive. Stop all comes first, with the verb that ends it. */
export function bannersOf({ hive, agents }: StateSnapshot): StateSnapshot["hive"]["banners"] {
  if (hive.all_stopped === undefined) return hive.banners;
  const isAnyUp = agents.some((agent) => agent.running);
  const text = `${allStoppedWords(hive.all_stopped, isAnyUp)} (${hivectl("start --what-ran")})`;
  return [{ level: "error", text }, ...hive.banners];
}

/** The text of `hivectl status`. */
export function statusText(state: StateSnapshot, view: View): string {
  const { hive } = state;
  const mode = hive.mode === "live" ? `live (${clean(hive.upstream)})` : hive.mode;
  const lines = [
    fit(
      `hyperhive ${hive.version} · ${mode} · up ${age(hive.started_at, view.now)} · ${costWords(hive.cost_today_usd, hive.unpriced_today)} today`,
      view.width,
    ),
    ...bannersOf(state).flatMap((banner) =>
      wrap(clean(banner.text), view.width).map((line) => view.paint(banner.level === "error" ? "red" : "amber", line)),
    ),
    "",
    agentTable(state.agents, view),
  ];
  const waits = waitingWords(state);
  const changes = waitingChanges(state.changes);
  if (waits.length > 0 || changes !== "") lines.push("");
  if (waits.length > 0) lines.push(`${view.paint("amber", "waits for you:")} ${waits.join(", ")}`);
  if (changes !== "") lines.push(changes);
  return lines.join("\n");
}
