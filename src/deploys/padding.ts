import type { DiffFile, RiskMark } from "../wire/approval.ts";
import { isUnshown } from "../wire/unshown.ts";

/** New lines of a file past which a reader skips: what follows them goes unread. */
const SKIPPED = 500;
/** Blank characters of a file, besides those between words, that no text needs and that push something out of sight. */
const MAX_BLANKS = 500;
/** Blank lines of a file, besides those between paragraphs. A screen has about as many. */
const MAX_BLANK_LINES = 50;
/** Blank lines in a row that separate paragraphs. */
const MAX_GAP = 3;
/** Blank characters in a row that align columns or indent a line. */
const MAX_ALIGNMENT = 40;
/** Combining marks of a file that are part of no composed letter. More of them cover the text around them. */
const MAX_MARKS = 100;

/** A character that draws nothing or a blank: Unicode's white space and format characters, and letters that fonts draw empty. */
const BLANKS = /[\s\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]+/gu;
/** Marks that combine with the letters of any script, without the selectors of emoji. Scripts that need marks have their own. */
const MARKS = /(?=\p{M})(?![\ufe00-\ufe0f])\p{Script=Inherited}/gu;

/**
 * Marks files whose new lines are more than anybody reads. Where most of them repeat each other, or blanks push something
 * out of sight, that is a danger: nothing needs it. Blanks are counted over the whole file, however they are interrupted.
 * A file that is not shown whole has a mark of its own.
 */
export function paddingMarks(diff: readonly DiffFile[]): RiskMark[] {
  return diff.filter((file) => file.ignored !== true && !isUnshown(file)).flatMap((file) => paddingOf(file) ?? []);
}

function paddingOf({ path, added, patch = "" }: DiffFile): RiskMark | undefined {
  const lines = patch.split("\n").flatMap((line) => (line.startsWith("+") ? [line.slice(1)] : []));
  const padding = [
    [blankLines(lines), MAX_BLANK_LINES, "needless blank lines"],
    [lines.reduce((sum, line) => sum + needlessBlanks(line), 0), MAX_BLANKS, "needless blank characters"],
    [lines.reduce((sum, line) => sum + (line.normalize("NFC").match(MARKS)?.length ?? 0), 0), MAX_MARKS, "combining marks"],
  ] as const;
  const tooMany = padding.filter(([found, most]) => found > most);
  if (added <= SKIPPED && tooMany.length === 0) return undefined;
  const repeated = repeatedOf(lines);
  const words = [
    ...(added > SKIPPED ? [`${count(added)} new lines${repeated > 0 ? `, ${count(repeated)} of them repeated` : ""}`] : []),
    ...tooMany.map(([found, , what]) => `${count(found)} ${what}`),
  ];
  const isPadded = tooMany.length > 0 || repeated * 2 > added;
  return { level: isPadded ? "danger" : "warn", kind: "padding", text: `long: ${words.join("; ")}`, path };
}

/** Lines that occur more than once. */
function repeatedOf(lines: readonly string[]): number {
  const seen = new Map<string, number>();
  for (const line of lines) seen.set(line, (seen.get(line) ?? 0) + 1);
  return [...seen.values()].reduce((sum, times) => (times > 1 ? sum + times : sum), 0);
}

/** Blank lines past those between paragraphs; all of them where they are most of the file. */
function blankLines(lines: readonly string[]): number {
  let [all, needless, inRow] = [0, 0, 0];
  for (const line of lines) {
    inRow = isBlank(line) ? inRow + 1 : 0;
    if (inRow > 0) all++;
    if (inRow > MAX_GAP) needless++;
  }
  return all * 2 > lines.length ? all : needless;
}

const isBlank = (line: string): boolean => blanksOf(line) === line.length;
const blanksOf = (line: string): number => (line.match(BLANKS) ?? []).reduce((sum, run) => sum + run.length, 0);

/**
 * Blanks of a line that nothing needs: those of runs that are longer than an alignment. Where a line is mostly blank, all
 * but its indentation.
 */
function needlessBlanks(line: string): number {
  const runs = line.match(BLANKS) ?? [];
  const indentation = Math.min(/^[ \t]*/.exec(line)?.[0].length ?? 0, MAX_ALIGNMENT);
  const blanks = blanksOf(line) - indentation;
  if (blanks > 2 * MAX_ALIGNMENT && blanks > line.length - indentation - blanks) return blanks;
  return runs.reduce((sum, run) => sum + (run.length > MAX_ALIGNMENT ? run.length : 0), 0);
}

const count = (n: number): string => n.toLocaleString("en-US");
