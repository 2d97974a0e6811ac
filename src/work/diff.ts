import { createHash } from "node:crypto";
import { parseDiff, type FileChange } from "../os/git/diff.ts";
import { EMPTY_TREE } from "../os/git/git.ts";
import { hivectl } from "../lib/hivectl.ts";
import { jsonBytes } from "../lib/json-bytes.ts";
import { addsText, patchText, wholeLines } from "../diffs/patch-text.ts";
import type { DiffFile, Sha } from "../wire/approval.ts";
import { HiveError } from "../wire/error.ts";
import { MAX_CHANGE_FILES } from "../wire/work.ts";
import type { GitWorker } from "./git/worker.ts";

/** Bytes of one change's diff: more than anyone reviews. */
export const MAX_DIFF_BYTES = 50 * 1024 * 1024;
/** Bytes of the list of its files beside the patches. */
const LIST_BYTES = 8 * 1024 * 1024;
/** JSON bytes of all patches in one answer, and of one file. The rest is fetched file by file. */
export const SHOWN_BYTES = 4 * 1024 * 1024;
export const SHOWN_FILE_BYTES = 256 * 1024;
const MIB = 1024 * 1024;
/** Bytes of all files that a change touches, before and after it: git holds two of them in memory at a time. */
const MAX_ALL_BYTES = 4 * MAX_DIFF_BYTES;
/** Exit codes of the script: files are too large to compare; a commit is not there. */
const TOO_LARGE = 77;
const GONE = 78;
/**
 * Compares two trees if their files are small enough. Arguments: the trees, the largest size of a file and of all files,
 * then what git runs. The sizes are read without the files: a pack of a few kilobytes can hold gigabytes.
 */
const DIFF_SCRIPT = `
set -eu
from=$1 to=$2 one=$3 all=$4
shift 4
git cat-file -e "$from" && git cat-file -e "$to" || exit ${GONE}
git diff-tree -r --raw --no-renames --no-abbrev "$from" "$to" |
  sed -n 's/^:[0-7]* [0-7]* \\([0-9a-f]*\\) \\([0-9a-f]*\\) .*/\\1\\n\\2/p' > /tmp/objects
git cat-file --batch-check='%(objectsize)' < /tmp/objects > /tmp/sizes
total=0
while read -r size rest; do
  # A submodule's commit is not here.
  case $size in '' | *[!0-9]* | ????????????*) continue ;; esac
  total=$((total + size))
  [ "$size" -le "$one" ] && [ "$total" -le "$all" ] || exit ${TOO_LARGE}
done < /tmp/sizes
exec git --no-pager "$@"
`;
/** Time for one diff. Milliseconds. */
const DIFF_MS = 60_000;
/** Bytes of the hash of a diff that a digest contains. */
const ALGORITHM = "sha256";

/** `--text`, no external program, no conversion, no rename: nothing in the tree can hide a line. */
const OPTIONS = ["-r", "-p", "--raw", "-z", "--no-renames", "--text", "--no-ext-diff", "--no-textconv", "--no-color"];
const FORMAT = ["--full-index", "--no-indent-heuristic", "--diff-algorithm=myers", "--unified=3", "--ignore-submodules=none"];

/** The changes between two commits, with their bytes. */
export interface ChangeDiff {
  files: FileChange[];
  /** SHA-256 of the whole diff. */
  hash: string;
  /** Its bytes, as git prints it. */
  bytes: number;
}

/** The commit at which a base and a commit part. Undefined if they share no history. */
export async function mergeBaseOf(git: GitWorker, repo: string, base: Sha, sha: Sha): Promise<Sha | undefined> {
  const ended = await git.tryRead(repo, ["merge-base", base, sha]);
  if (ended.code === 1) return undefined;
  if (ended.code !== 0) throw new Error(`git merge-base: ${ended.stderr.trim()}`);
  return ended.stdout.toString("latin1").trim().split("\n")[0];
}

/** True if `ancestor` is in the history of `sha`, which the repository has. */
export async function isContained(git: GitWorker, repo: string, ancestor: Sha, sha: Sha): Promise<boolean> {
  if (ancestor === sha) return true;
  const ended = await git.tryRead(repo, ["merge-base", "--is-ancestor", ancestor, sha]);
  if (ended.code === 0 || ended.code === 1) return ended.code === 0;
  throw new Error(`git merge-base: ${ended.stderr.trim()}`);
}

/** The changes from one commit (from nothing if undefined) to another, of all files or of one path. */
export async function diffOf(git: GitWorker, repo: string, from: Sha | undefined, to: Sha, path?: string): Promise<ChangeDiff> {
  const only = path === undefined ? [] : ["--", `:(top,literal)${path}`];
  const start = from === undefined ? EMPTY_TREE : `${from}^{tree}`;
  const argv = ["diff-tree", ...OPTIONS, ...FORMAT, "--end-of-options", start, `${to}^{tree}`, ...only];
  const sizes = [start, `${to}^{tree}`, String(MAX_DIFF_BYTES), String(MAX_ALL_BYTES)];
  const ended = await git.tryScript(repo, DIFF_SCRIPT, [...sizes, ...argv], {
    maxBytes: MAX_DIFF_BYTES + LIST_BYTES,
    timeoutMs: DIFF_MS,
  });
  if (ended.code === GONE)
    throw new HiveError(
      "not_found",
      `the change cannot be shown, its commits are gone: ${hivectl("repo gc")} removes those of changes that ended more than 30 days ago`,
    );
  if (ended.code === TOO_LARGE)
    throw new HiveError(
      "too_large",
      `the change touches a file of more than ${MAX_DIFF_BYTES / MIB} MiB, or files of more than ${MAX_ALL_BYTES / MIB} MiB together: keep large files out of the repository`,
    );
  if (ended.tooMuch) throw new HiveError("too_large", `the change has more than ${MAX_DIFF_BYTES} bytes of diff: split it`);
  if (ended.tooLong)
    throw new HiveError("too_large", `git needs more than ${DIFF_MS / 1000} s for the diff of this change: split it`);
  if (ended.code !== 0) throw new Error(`git diff-tree: ${ended.stderr.trim()}`);
  const files = parseDiff(ended.stdout);
  if (files.length > MAX_CHANGE_FILES)
    throw new HiveError("too_large", `the change has ${files.length} files, and ${MAX_CHANGE_FILES} are allowed: split it`);
  return { files, hash: createHash(ALGORITHM).update(ended.stdout).digest("hex"), bytes: ended.stdout.length };
}

/** Binds an approval: SHA-256 over repository, base, commit and diff. */
export function changeDigest(facts: { repo: string; base: string; sha: Sha; diff: string }): string {
  return createHash(ALGORITHM).update(`${facts.repo}\n${facts.base}\n${facts.sha}\n${facts.diff}\n`).digest("hex");
}

export function statOf(files: readonly FileChange[]): { files: number; added: number; removed: number } {
  const sum = (of: (file: FileChange) => number): number => files.reduce((total, file) => total + of(file), 0);
  return { files: files.length, added: sum(({ added }) => added), removed: sum(({ removed }) => removed) };
}

/**
 * The files as they are shown, `first` before the others. Every file is listed. A patch over its budget, or beyond that
 * of the answer, is cut after a whole line and marked; `change_file` has the rest.
 */
export function shownFiles(changes: readonly FileChange[], first: ReadonlySet<string>): DiffFile[] {
  const ordered = [...changes].sort((a, b) => Number(first.has(b.path)) - Number(first.has(a.path)));
  let left = SHOWN_BYTES;
  return ordered.map(({ hunks, ...facts }) => {
    const isText = addsText(hunks);
    const file: DiffFile = { ...facts, binary: !isText && hunks.length > 0, cut: false };
    if (!isText || hunks.length === 0) return file;
    const text = patchText(hunks);
    const kept = wholeLines(text, Math.min(left, SHOWN_FILE_BYTES));
    left -= jsonBytes(kept);
    file.cut = kept.length < text.length;
    if (kept !== "") file.patch = kept;
    return file;
  });
}
