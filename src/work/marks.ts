import { paddingMarks } from "../diffs/padding.ts";
import { addsText, patchText } from "../diffs/patch-text.ts";
import { unseenMarks } from "../diffs/unseen-marks.ts";
import { unshownMarks } from "../diffs/unshown-marks.ts";
import type { FileChange } from "../os/git/diff.ts";
import type { DiffFile, RiskMark } from "../wire/approval.ts";

/** The maximum number of marks of a change. The last one says how many more there are. */
const MAX_MARKS = 100;
/** Modes as git writes them. */
const SUBMODULE = "160000";
const LINK = "120000";
const EXECUTABLE = "100755";
/** The first line of a file that Git LFS replaces. It stays as it is here: nothing fetches the content. */
const LFS_POINTER = "+version https://git-lfs.github.com/spec/";

/**
 * What a reviewer should not miss in a change: files that only the operator may approve, content that is not shown or
 * not seen, and what is no plain file. The worst marks come first. Pure.
 */
export function changeMarks(
  changes: readonly FileChange[],
  shown: readonly DiffFile[],
  guarded: ReadonlySet<string>,
): RiskMark[] {
  const marks = [
    ...changes.filter(({ path }) => guarded.has(path)).map(protectedMark),
    ...unshownMarks(shown),
    ...paddingMarks(shown),
    ...changes.flatMap(fileMarks),
  ];
  const order = { danger: 0, warn: 1, info: 2 };
  marks.sort((a, b) => order[a.level] - order[b.level]);
  if (marks.length <= MAX_MARKS) return marks;
  const rest = marks.slice(MAX_MARKS - 1);
  const text = `${rest.length} further marks are not shown: read the whole diff`;
  return [...marks.slice(0, MAX_MARKS - 1), { level: rest[0]?.level ?? "warn", kind: "cut", text }];
}

const protectedMark = ({ path, status }: FileChange): RiskMark => ({
  level: "warn",
  kind: "protected",
  text: `${status === "added" ? "adds" : status === "deleted" ? "removes" : "changes"} a protected file: only the operator approves it`,
  path,
});

function fileMarks({ path, old_mode: before, new_mode: after, hunks }: FileChange): RiskMark[] {
  const what = before === undefined ? "new" : "changed";
  if (after === SUBMODULE)
    return [{ level: "warn", kind: "submodule", text: `${what} submodule: the hive does not fetch it`, path }];
  const { added, removed } = linesOf(hunks);
  if (after === LINK) return [{ level: "warn", kind: "symlink", text: `${what} symbolic link`, path }];
  const marks: RiskMark[] = [];
  if (after === EXECUTABLE && before !== EXECUTABLE)
    marks.push({ level: "warn", kind: "mode", text: before === undefined ? "new executable file" : "becomes executable", path });
  if (hunks.includes(LFS_POINTER))
    marks.push({ level: "info", kind: "binary", text: "a Git LFS pointer: the hive does not fetch the content", path });
  return addsText(hunks) ? [...marks, ...unseenMarks(removed, added, path)] : marks;
}

/** The added and the removed lines of a patch. */
function linesOf(hunks: Buffer): { added: string; removed: string } {
  const lines = patchText(hunks).split("\n");
  const of = (sign: string): string =>
    lines
      .filter((line) => line.startsWith(sign))
      .map((line) => line.slice(1))
      .join("\n");
  return { added: of("+"), removed: of("-") };
}
