import type { DiffFile, RiskMark } from "../wire/approval.ts";
import { isUnshown } from "../wire/unshown.ts";

/** The number of new lines of a file after which a reader skips. */
const SKIPPED = 500;
/**
 * The maximum of blank characters in a file, not counting those between words. No text needs more, and they push
 * content out of sight.
 */
const MAX_BLANKS = 500;
/** The maximum of blank lines in a file, not counting those between paragraphs: about a screen. */
const MAX_BLANK_LINES = 50;
/** Blank lines in a row that separate paragraphs. */
const MAX_GAP = 3;
/** Blank characters in a row that align columns or indent a line. */
const MAX_ALIGNMENT = 40;
/**
 * The maximum of combining marks in a file that are not part of a composed letter. More of them cover the text around
 * them.
 */
const MAX_MARKS = 100;

/**
 * Characters that draw nothing or a blank: Unicode's white space and format characters, and letters that fonts draw
 * empty.
 */
const BLANKS = /[\s\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]+/gu;
/** Marks that combine with the letters of any script, without the selectors of emoji. Scripts that need marks have their own. */
const MARKS = /(?=\p{M})(?![\ufe00-\ufe0f])\p{Script=Inherited}/gu;

/**
 * Marks files with more new lines than a person reads. If most of them repeat, or blanks push content out of sight, it
 * is a danger. Blanks are counted over the whole file, even if other characters interrupt them. A file that is not
 * shown whole has its own mark.
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

/** The number of lines that occur more than once. */
function repeatedOf(lines: readonly string[]): number {
  const seen = new Map<string, number>();
  for (const line of lines) seen.set(line, (seen.get(line) ?? 0) + 1);
  return [...seen.values()].reduce((sum, times) => (times > 1 ? sum + times : sum), 0);
}

/** The number of blank lines beyond those between paragraphs, or all if most of the file is blank. */
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
 * The number of needless blanks in a line: those in runs longer than an alignment. In a mostly blank line, all except
 * the indentation.
 */
function needlessBlanks(line: string): number {
  const runs = line.match(BLANKS) ?? [];
  const indentation = Math.min(/^[ \t]*/.exec(line)?.[0].length ?? 0, MAX_ALIGNMENT);
  const blanks = blanksOf(line) - indentation;
  if (blanks > 2 * MAX_ALIGNMENT && blanks > line.length - indentation - blanks) return blanks;
  return runs.reduce((sum, run) => sum + (run.length > MAX_ALIGNMENT ? run.length : 0), 0);
}

const count = (n: number): string => n.toLocaleString("en-US");
