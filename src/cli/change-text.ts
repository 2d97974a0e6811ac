import { isRehearsedPage, REHEARSED_WORDS } from "../wire/address-kinds.ts";
import { shortSha } from "../wire/sha.ts";
import { hivectl } from "../lib/hivectl.ts";
import { canRetryHelp, changeCan, CHANGE_WORDS, type ChangeState } from "../wire/change-states.ts";
import type { Output } from "../wire/operations.ts";
import { pullWords } from "../wire/pull-words.ts";
import { CHECK_WORDS, isOutdated, shownCheck } from "../wire/change-checks.ts";
import type { ChangeView, CommentView, EarlyCheck } from "../wire/work.ts";
import { diffText, riskText, shown } from "./diff-text.ts";
import { age, clean, duration, indented, timeOfDay, visible, type Colour, type View } from "./print.ts";
import { table } from "./table.ts";
import { reflow } from "./wrap.ts";

const STATE_COLOURS: Record<ChangeState, Colour> = {
  proposed: "amber",
  approved: "mauve",
  queued: "mauve",
  merging: "mauve",
  checking: "mauve",
  pushing: "mauve",
  in_pull_request: "mauve",
  merged: "green",
  changes_requested: "dim",
  conflict: "red",
  checks_failed: "red",
  push_failed: "red",
  denied: "dim",
  withdrawn: "dim",
  superseded: "dim",
  stale: "dim",
};

/** The state of a change, painted. */
export const stateText = (state: ChangeState, { paint }: Pick<View, "paint">): string =>
  paint(STATE_COLOURS[state], CHANGE_WORDS[state]);

/** The changes as table rows: those that are open, or how they ended. */
export function changeTable(changes: readonly ChangeView[], { paint, width, now }: View): string {
  return table(
    changes,
    [
      { title: "ID", value: (one) => String(one.id), colour: () => "bold" },
      { title: "REPO", value: (one) => one.repo },
      { title: "AGENT", value: (one) => one.agent },
      { title: "BASE", value: (one) => one.base, spare: 3 },
      { title: "STATE", value: (one) => CHANGE_WORDS[one.state], colour: (one) => STATE_COLOURS[one.state] },
      { title: "AGE", value: (one) => age(one.updated_at, now) },
      { title: "ROUND", value: (one) => (one.round > 1 ? String(one.round) : ""), spare: 6 },
      { title: "COMMIT", value: (one) => shortSha(one.sha), spare: 5 },
      { title: "CHANGE", value: (one) => `+${one.stat.added} -${one.stat.removed}`, spare: 2 },
      {
        title: "MARKS",
        value: ({ marks }) => {
          const serious = marks.filter(({ level }) => level !== "info").length;
          return serious === 0 ? "" : String(serious);
        },
        colour: ({ marks }) => (marks.some(({ level }) => level === "danger") ? "red" : "amber"),
        spare: 4,
      },
      {
        title: "WHAT",
        value: (one) =>
          [vetoWords(one, now), checkWord(one), one.title, firstLine(one.reason ?? "")]
            .filter((words) => words !== "")
            .join(": "),
        isWide: true,
      },
    ],
    width,
    paint,
  );
}

/** Until when the operator may stop what a reviewer has approved. Empty if it does not wait for that. */
function vetoWords({ merges_at: at }: ChangeView, now: number): string {
  return at === undefined ? "" : `merges at ${timeOfDay(at)} unless you veto (in ${duration(Math.max(0, Date.parse(at) - now))})`;
}

const CHECK_COLOURS: Record<EarlyCheck["state"], Colour> = {
  waiting: "dim",
  running: "mauve",
  passed: "green",
  failed: "red",
  conflict: "red",
  error: "amber",
};

/** What the check before the decision says; empty if there is none. */
function checkWord(change: ChangeView): string {
  const check = shownCheck(change);
  return check === undefined ? "" : CHECK_WORDS[check.state];
}

/** The check before the decision, on which tip it ran, and why it failed. `tip` is that of the base now. */
function checkLines(change: ChangeView, tip: string | undefined, { paint, width }: Pick<View, "paint" | "width">): string[] {
  const check = shownCheck(change);
  if (check === undefined) return [];
  const { state, onto, reason } = check;
  const place = onto === undefined ? "" : `, merged onto ${shortSha(onto)} of ${visible(change.base)}`;
  const moved = isOutdated(check, tip) ? `; ${visible(change.base)} has moved since` : "";
  return [
    reflow(`check   ${paint(CHECK_COLOURS[state], CHECK_WORDS[state])}${place}${moved}`, width, 8),
    ...(reason === undefined || state === "passed" ? [] : ["", indented(reflow(shown(reason, paint), width - 2)), ""]),
  ];
}

/** The pull request of a change, with its page and what does not work. */
function pullLines({ pull_request: pull }: ChangeView, { paint, width }: Pick<View, "paint" | "width">): string[] {
  if (pull === undefined) return [];
  const place = pull.url === undefined ? ` for ${visible(pull.branch)}` : `: ${visible(pull.url)}`;
  return [
    reflow(`${pullWords(pull)}${place}`, width),
    ...(pull.url !== undefined && isRehearsedPage(pull.url) ? [paint("dim", reflow(`on ${REHEARSED_WORDS}`, width))] : []),
    ...(pull.failed === undefined ? [] : [paint("amber", reflow(`it is tried again: ${clean(pull.failed)}`, width))]),
  ];
}

/** What to do with a change that came back. `tip` is that of its base. Empty for the others. */
function retryWords(change: ChangeView, tip: string | undefined): string {
  if (!changeCan(change, "retry")) return "";
  if (canRetryHelp(change, tip)) return `${hivectl(`change retry ${change.id}`)} tries again`;
  return `${clean(change.agent)} has to propose it again: ${visible(change.base)} has not moved since, so trying again ends the same`;
}

/** Who proposes what, its state, and what the operator should not miss. */
export function changeSummary(
  change: ChangeView,
  baseSha: string | undefined,
  { paint, now, width }: View,
  tip?: string,
): string {
  const { id, repo, agent, branch, base, round, state, sha, reason, note, merged_sha: merged } = change;
  const prose = (text: string): string => indented(reflow(shown(text, paint), width - 2));
  const decided =
    change.decided_by === undefined || change.decided_at === undefined
      ? ""
      : `; last decided by ${clean(change.decided_by)} ${age(change.decided_at, now)} ago`;
  const lines = [
    reflow(`${paint("bold", `change ${id} of ${repo}: ${shown(change.title, paint)}`)}  ${stateText(state, { paint })}`, width),
    paint(
      "dim",
      reflow(
        `${clean(agent)} proposes ${visible(branch)} for ${visible(base)}${round > 1 ? `, round ${round}` : ""}, ${age(change.proposed_at, now)} ago${decided}`,
        width,
      ),
    ),
    reflow(
      `commit  ${sha}  ${baseSha === undefined ? paint("dim", "all of it is new") : `against ${shortSha(baseSha)}`}`,
      width,
      8,
    ),
  ];
  if (merged !== undefined) lines.push(`merged  ${merged}`);
  for (const line of pullLines(change, { paint, width })) lines.push(line);
  for (const line of checkLines(change, tip, { paint, width })) lines.push(line);
  const veto = vetoWords(change, now);
  if (veto !== "")
    lines.push(
      paint("amber", veto),
      reflow(
        `${hivectl(`change deny ${id}`)} or ${hivectl(`change return ${id}`)} stops it; ${hivectl(`change approve ${id}`)} merges it now`,
        width,
      ),
    );
  if (change.body !== "") lines.push("", prose(change.body));
  if (note !== undefined) lines.push("", paint("dim", state === "proposed" ? "note on an earlier round:" : "note:"), prose(note));
  if (reason !== undefined) lines.push("", paint("red", "it came back:"), prose(reason));
  const retry = retryWords(change, tip);
  if (retry !== "") lines.push("", reflow(retry, width));
  if (change.marks.length > 0) lines.push("", riskText(change.marks, { paint, width }));
  return lines.join("\n");
}

/** The change with its comments and its whole diff. A comment on a line is below the patch of its file. */
export function changeText({ change, base_sha, files, comments }: Output<"change">, view: View, tip?: string): string {
  const paths = new Set(files.map(({ path }) => path));
  const onFile = Map.groupBy(
    comments.filter(({ path }) => path !== undefined && paths.has(path)),
    ({ path }) => path,
  );
  const others = comments.filter(({ path }) => path === undefined || !paths.has(path));
  const diff = diffText(files, view, {
    showFile: `change show ${change.id} --file <path>`,
    below: ({ path }) =>
      (onFile.get(path) ?? [])
        .toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || a.id - b.id)
        .map((comment) => commentText(comment, view))
        .join("\n"),
  });
  const list = others.map((comment) => commentText(comment, view));
  return [changeSummary(change, base_sha, view, tip), ...(list.length === 0 ? [] : [list.join("\n")]), diff].join("\n\n");
}

/** A comment: where it is and in which state, the line it is about, its text and the owner's answer. */
export function commentText(comment: CommentView, { paint, width }: View): string {
  const { path, line, side, quote, answer } = comment;
  const place = path === undefined ? "" : ` on ${side === "old" ? "old " : ""}line ${line ?? 0} of ${visible(path)}`;
  const flags = [`comment ${comment.id}`, comment.state, comment.outdated ? "the line has changed since" : ""];
  const text = (words: string, lead: string): string =>
    indented(reflow(`${lead}${shown(words, paint)}`, width - 4, lead.length), "    ");
  return [
    `  ${paint(comment.state === "resolved" ? "dim" : "mauve", `● ${clean(comment.author)}${place}`)}${paint("dim", `  ${flags.filter(Boolean).join(", ")}`)}`,
    ...(quote === undefined ? [] : [paint("dim", indented(`> ${visible(quote)}`, "    "))]),
    text(comment.text, ""),
    ...(answer === undefined ? [] : [text(answer, "↳ ")]),
  ].join("\n");
}

/** A reason has the end of a check's output, or all files of a conflict: a table has room for its first line. */
const firstLine = (text: string): string => text.split("\n", 1)[0] ?? "";
