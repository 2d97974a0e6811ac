import type { Barrier, Doubled } from "./barrier.ts";
import { verdictSummary, type Verdict } from "./verdict.ts";

/** The part of `docs/campaigns.md` that a whole run of the campaign writes. */

const BEGIN = "<!-- barriers -->";
const END = "<!-- /barriers -->";

const cell = (text: string): string => text.replaceAll("|", "\\|");
const code = (text: string): string => `\`${text}\``;
/** An attempt that failed by something other than its barrier is in brackets. */
const openedCell = ({ opened }: Verdict): string =>
  opened.map(({ id, reached }) => (reached ? code(id) : `(${code(id)})`)).join(", ");

/** The text between the markers. */
export function barriersPart(
  verdicts: readonly Verdict[],
  { barriers, doubled }: { barriers: readonly Barrier[]; doubled: readonly Doubled[] },
): string {
  const by = new Map(verdicts.map((verdict) => [verdict.name, verdict]));
  const single = barriers.flatMap(({ name, what, file }) => {
    const verdict = by.get(name);
    if (verdict === undefined || verdict.kind === "left out") return [];
    return [`| ${code(name)} | ${cell(what)} | ${code(file)} | ${openedCell(verdict)} |`];
  });
  const several = doubled.flatMap(({ name, layers }) => {
    const verdict = by.get(name);
    if (verdict === undefined || verdict.kind === "left out") return [];
    return [`| ${code(name)} | ${cell(layers.map((layer) => layer.what).join("; "))} | ${openedCell(verdict)} |`];
  });
  return [
    "",
    `${verdictSummary(verdicts)}.`,
    "",
    "| removed | barrier | in | rows that turned open |",
    "| --- | --- | --- | --- |",
    ...single,
    "",
    "These stand behind each other. Without one of them nothing is reached; without all of a line its rows turned open.",
    "",
    "| removed | barriers | rows that turned open |",
    "| --- | --- | --- |",
    ...several,
    "",
  ].join("\n");
}

/** The page with a new part between the markers. */
export function withBarriers(page: string, part: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`the page has no part between ${BEGIN} and ${END}`);
  return `${page.slice(0, from + BEGIN.length)}\n${part}\n${page.slice(to)}`;
}

/** The names of the barriers that a page has. */
export const barriersOfPage = (page: string): string[] =>
  [...page.slice(page.indexOf(BEGIN), page.indexOf(END)).matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = ""]) => name);
