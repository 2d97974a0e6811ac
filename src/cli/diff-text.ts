import { hivectl } from "../lib/hivectl.ts";
import type { DiffFile, RiskMark } from "../wire/approval.ts";
import { isUnshown } from "../wire/unshown.ts";
import { patchLines } from "./diff-lines.ts";
import { plural, visible, width, type Colour, type Paint, type View } from "./print.ts";
import { reflow } from "./wrap.ts";

const RISKS: Record<RiskMark["level"], { mark: string; colour: Colour }> = {
  danger: { mark: "!!", colour: "red" },
  warn: { mark: " !", colour: "amber" },
  info: { mark: " ·", colour: "dim" },
};
const WORST: readonly RiskMark["level"][] = ["danger", "warn", "info"];

/** Hidden characters are shown, not dropped: the operator is about to approve this text. */
export const shown = (text: string, paint: Paint): string => visible(text, (mark) => paint(["red", "inverse"], mark));

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

/** What a diff is printed with. */
interface Around {
  /** The words of `hivectl` that show one file whole. */
  showFile: string;
  /** Text below a file's patch. Empty for none. */
  below?(file: DiffFile): string;
  /** Nothing can be approved here. */
  isForReading?: boolean;
}

/** The files of a diff with their patches, and the list of those that are not shown whole. */
export function diffText(
  files: readonly DiffFile[],
  view: View,
  { showFile, below = () => "", isForReading = false }: Around,
): string {
  const { paint } = view;
  const lines = [changeLine(files, paint)];
  for (const file of files) lines.push("", [fileText(file, view), below(file)].filter((text) => text !== "").join("\n"));
  const unshown = files.filter(isUnshown);
  if (unshown.length > 0) {
    const list = unshown.map((file) => `  ${visible(file.path)}`).join("\n");
    const toApprove = isForReading ? ":" : ". To approve, name each with --unshown <path>:";
    const words = `Not shown whole; to see one: ${hivectl(showFile)}${toApprove}`;
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
  const name = (mode: string): string => names[mode] ?? (mode === "100644" ? "plain file" : `mode ${visible(mode)}`);
  if (before !== undefined && after !== undefined && before !== after) return `${name(before)} → ${name(after)}`;
  const only = after ?? before;
  return only === undefined || only === "100644" ? "" : name(only);
}
