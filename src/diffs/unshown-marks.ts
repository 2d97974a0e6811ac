import type { DiffFile, RiskMark } from "../wire/approval.ts";
import { isUnshown } from "../wire/unshown.ts";

/** The maximum number of unshown files with their own mark. */
const MAX_UNSHOWN_MARKS = 20;

/**
 * Marks content that the diff does not show. It must be approved by name. Beyond `MAX_UNSHOWN_MARKS` only the diff
 * names the files.
 */
export function unshownMarks(diff: readonly DiffFile[]): RiskMark[] {
  const unshown = diff.filter(isUnshown);
  const marks = unshown.slice(0, MAX_UNSHOWN_MARKS).map((file): RiskMark => {
    const lines = (file.patch?.match(/^[+-]/gm) ?? []).length;
    return file.binary
      ? { level: "danger", kind: "binary", text: "not shown: it is not text", path: file.path }
      : {
          level: "danger",
          kind: "cut",
          text: `not shown whole: ${lines} of ${file.added + file.removed} changed lines`,
          path: file.path,
        };
  });
  const more = unshown.length - marks.length;
  if (more > 0) marks.push({ level: "danger", kind: "cut", text: `${more} further files are not shown whole` });
  return marks;
}
