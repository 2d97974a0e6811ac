import { hivectl } from "../lib/hivectl.ts";
import type { ApprovalView, DiffFile, RequestState, RiskMark } from "../wire/approval.ts";
import type { Output } from "../wire/operations.ts";
import { KIND_WORDS } from "../wire/words.ts";
import { patchLines } from "./diff-lines.ts";
import { isUnshown } from "../wire/unshown.ts";
import { age, clean, indented, plural, visible, width, type Colour, type Paint } from "./print.ts";
import { table } from "./table.ts";
import { reflow } from "./wrap.ts";

/** How and where the text is printed. */
export interface View {
  paint: Paint;
  width: number;
  now: number;
}

const STATE_COLOURS: Record<RequestState, Colour> = {
  pending: "amber",
  approved: "mauve",
  building: "mauve",
  waiting: "mauve",
  activating: "mauve",
  deployed: "green",
  failed: "red",
  denied: "dim",
  cancelled: "dim",
};
export const stateColour = (state: RequestState): Colour => STATE_COLOURS[state];

const RISKS: Record<RiskMark["level"], { mark: string; colour: Colour }> = {
  danger: { mark: "!!", colour: "red" },
  warn: { mark: " !", colour: "amber" },
  info: { mark: " ·", colour: "dim" },
};
const WORST: readonly RiskMark["level"][] = ["danger", "warn", "info"];

const short = (sha: string): string => sha.slice(0, 12);
/** Hidden characters are shown, not dropped: the operator is about to approve this text. */
const shown = (text: string, paint: Paint): string => visible(text, (mark) => paint(["red", "inverse"], mark));

/** The requests as table rows: those that wait, or how they ended. */
export function requestTable(requests: readonly ApprovalView[], { paint, width: room, now }: View): string {
  const risks = (request: ApprovalView): string => {
    const serious = request.risks.filter((risk) => risk.level !== "info");
    // Every list says if something is not shown, because it has to be approved by name.
    const isWhole = !serious.some((risk) => risk.kind === "cut" || risk.kind === "binary");
    return serious.length === 0 ? "" : `${plural(serious.length, "risk")}${isWhole ? "" : ", not all shown"}`;
  };
  return table(
    requests,
    [
      { title: "ID", value: (one) => String(one.id), colour: () => "bold" },
      { title: "AGENT", value: (one) => one.agent },
      { title: "KIND", value: (one) => KIND_WORDS[one.kind], spare: 2 },
      { title: "STATE", value: (one) => one.state, colour: (one) => STATE_COLOURS[one.state] },
      { title: "AGE", value: (one) => age(one.requested_at, now) },
      { title: "BY", value: (one) => one.requested_by, spare: 4 },
      { title: "COMMIT", value: (one) => short(one.sha ?? ""), spare: 5 },
      { title: "CHANGE", value: (one) => (one.stat.files > 0 ? `+${one.stat.added} -${one.stat.removed}` : ""), spare: 3 },
      { title: "RISKS", value: risks, colour: (one) => (one.risks.some((risk) => risk.level === "danger") ? "red" : "amber") },
      { title: "WHAT", value: (one) => one.error ?? one.note ?? one.description ?? "", isWide: true },
    ],
    room,
    paint,
  );
}

/** The agent, the change, and the risks. */
export function requestSummary(request: ApprovalView, baseSha: string | undefined, { paint, now, width: room }: View): string {
  const title = request.kind === "spawn" ? `spawn ${request.agent}` : `config change of ${request.agent}`;
  const settled = request.resolved_at === undefined ? "" : `${request.state} ${age(request.resolved_at, now)} ago`;
  const by = request.resolved_by === undefined ? "" : ` by ${clean(request.resolved_by)}`;
  const prose = (text: string): string => indented(reflow(shown(text, paint), room - 2));
  const lines = [
    `${paint("bold", `#${request.id} ${title}`)}  ${paint(STATE_COLOURS[request.state], request.state)}`,
    paint(
      "dim",
      `${request.origin} of ${clean(request.requested_by)}, ${age(request.requested_at, now)} ago${settled && `; ${settled}${by}`}`,
    ),
  ];
  if (request.sha !== undefined)
    lines.push(
      reflow(
        `commit  ${request.sha}  ${baseSha === undefined ? paint("dim", "all of it is new") : `against ${short(baseSha)}`}`,
        room,
        8,
      ),
    );
  if (request.tag !== undefined) lines.push(`tag     ${shown(request.tag, paint)}`);
  if (request.description !== undefined) lines.push("", prose(request.description));
  if (request.note !== undefined) lines.push("", paint("dim", "note:"), prose(request.note));
  if (request.error !== undefined) lines.push("", paint("red", "it failed:"), prose(request.error));
  if (request.risks.length > 0) lines.push("", riskText(request.risks, { paint, width: room }));
  return lines.join("\n");
}

/** Risk marks, a line each, worst first. */
export function riskText(risks: readonly RiskMark[], { paint, width: room }: Pick<View, "paint" | "width">): string {
  return risks
    .toSorted((a, b) => WORST.indexOf(a.level) - WORST.indexOf(b.level))
    .map((risk) => {
      const { mark, colour } = RISKS[risk.level];
      const path = risk.path === undefined ? "" : paint("dim", `  ${visible(risk.path)}`);
      return reflow(`${paint(colour, mark)} ${paint(colour, shown(risk.text, paint))}${path}`, room, 3);
    })
    .join("\n");
}

/** The request with its whole diff. */
export function requestText({ approval, base_sha, files }: Output<"show">, view: View): string {
  const { paint } = view;
  const lines = [requestSummary(approval, base_sha, view), "", changeLine(files, paint)];
  for (const file of files) lines.push("", fileText(file, view));
  const unshown = files.filter(isUnshown);
  if (unshown.length > 0) {
    const list = unshown.map((file) => `  ${visible(file.path)}`).join("\n");
    const words = `Not shown whole; to see one: ${hivectl(`show ${approval.id} --file <path>`)}. To approve, name each with --unshown <path>:`;
    lines.push("", paint("red", reflow(words, view.width)), list);
  }
  return lines.join("\n");
}

function changeLine(files: readonly DiffFile[], paint: Paint): string {
  if (files.length === 0) return paint("dim", "no file differs");
  const added = files.reduce((sum, file) => sum + file.added, 0);
  const removed = files.reduce((sum, file) => sum + file.removed, 0);
  return `${plural(files.length, "file")}  ${paint("green", `+${added}`)} ${paint("red", `-${removed}`)}`;
}

/** Maximum length of a rule. A longer rule is hard to follow to its end. */
const RULE_WIDTH = 100;

function fileText(file: DiffFile, { paint, width: room }: View): string {
  const path = visible(file.path);
  const name = file.old_path === undefined ? path : `${visible(file.old_path)} → ${path}`;
  const status = `── ${file.status.replace("_", " ")} `;
  const figures = ` +${file.added} -${file.removed} ──`;
  const columns = Math.min(room, RULE_WIDTH);
  const rule = (title: string): string => title + "─".repeat(Math.max(1, columns - width(title) - width(figures))) + figures;
  // The path of a change is never cut. A long path gets a line of its own.
  const whole = `${status} ${name} `;
  const isLong = width(whole) + width(figures) + 1 > room;
  const lines = (isLong ? [rule(status), `   ${name}`] : [rule(whole)]).map((line) => paint("bold", line));
  const mode = modeWords(file);
  if (mode !== "") lines.push(paint("amber", mode));
  if (file.ignored === true) lines.push(paint("dim", "not read by this hive: its driver evaluates no Nix code"));
  if (file.binary) lines.push(paint("red", "not text: it is not shown"));
  if (file.patch !== undefined && file.patch !== "") lines.push(patchLines(file.patch, paint).join("\n"));
  if (file.cut) lines.push(paint("red", "… this file's diff is too long to be shown whole"));
  return lines.join("\n");
}

function modeWords({ old_mode: before, new_mode: after }: DiffFile): string {
  const names: Record<string, string> = { "100755": "executable", "120000": "symbolic link", "160000": "submodule" };
  const name = (mode: string): string => names[mode] ?? (mode === "100644" ? "plain file" : `mode ${mode}`);
  if (before !== undefined && after !== undefined && before !== after) return `${name(before)} → ${name(after)}`;
  const only = after ?? before;
  return only === undefined || only === "100644" ? "" : name(only);
}
