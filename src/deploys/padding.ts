import type { DiffFile, RiskMark } from "../wire/approval.ts";
import { isUnshown } from "../wire/unshown.ts";

/** New lines of a file, or blank characters in a row, past which a reader skips: what stands behind them goes unread. */
const SKIPPED = 500;

/**
 * Marks files whose new lines are more than anybody reads. Where most of them repeat each other, or blanks push something
 * out of sight, that is a danger: nothing needs it. A file that is not
 * shown whole has a mark of its own.
 */
export function paddingMarks(diff: readonly DiffFile[]): RiskMark[] {
  return diff.filter((file) => file.ignored !== true && !isUnshown(file)).flatMap((file) => paddingOf(file) ?? []);
}

function paddingOf({ path, added, patch = "" }: DiffFile): RiskMark | undefined {
  const lines = patch.split("\n").flatMap((line) => (line.startsWith("+") ? [line.slice(1)] : []));
  const blanks = longestBlank(lines.join("\n"));
  if (added <= SKIPPED && blanks <= SKIPPED) return undefined;
  const repeated = repeatedOf(lines);
  const words = [
    ...(added > SKIPPED ? [`${count(added)} new lines${repeated > 0 ? `, ${count(repeated)} of them repeated` : ""}`] : []),
    ...(blanks > SKIPPED ? [`${count(blanks)} blank characters in a row`] : []),
  ];
  const isPadded = blanks > SKIPPED || repeated * 2 > added;
  return { level: isPadded ? "danger" : "warn", kind: "padding", text: `long: ${words.join("; ")}`, path };
}

/** Lines that occur more than once. */
function repeatedOf(lines: readonly string[]): number {
  const seen = new Map<string, number>();
  for (const line of lines) seen.set(line, (seen.get(line) ?? 0) + 1);
  return [...seen.values()].reduce((sum, times) => (times > 1 ? sum + times : sum), 0);
}

const longestBlank = (text: string): number => text.split(/\S+/).reduce((most, blank) => Math.max(most, blank.length), 0);
const count = (n: number): string => n.toLocaleString("en-US");
