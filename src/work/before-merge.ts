import { GitError } from "../os/git/git.ts";
import type { ChangeRecord } from "../store/changes.ts";
import type { Sha } from "../wire/approval.ts";
import { MAX_DIFF_BYTES } from "./diff.ts";
import type { GitWorker } from "./git/worker.ts";

/** Time for the comparison of a merge with its change. Milliseconds. */
const COMPARE_MS = 60_000;
/** Bytes that it prints: one commit. */
const MAX_OUTPUT_BYTES = 1024;

/**
 * Finds the commit after which a base got what a change had proposed. Arguments: the commit with which it was merged, the
 * commit of the change, the one at which it parted from its base, the largest diff in bytes. Prints a commit, or nothing if
 * what was merged is not the change. Changed lines are compared without their surroundings: others may have changed those.
 */
const BEFORE_SCRIPT = `
set -eu
merged=$1 sha=$2 from=$3 most=$4
found() { printf '%s' "$1"; exit 0; }
print() { git diff-tree -r -p -U0 --no-renames --full-index --binary --no-ext-diff --no-textconv "$1" "$2" | head -c "$((most + 1))"; }
same() {
  print "$1" "$merged" > /tmp/diff
  [ "$(wc -c < /tmp/diff)" -le "$most" ] || return 1
  [ "$(git patch-id --stable < /tmp/diff | cut -d ' ' -f 1)" = "$wanted" ]
}

# The base was moved forward to the commit of the change.
[ "$merged" != "$sha" ] || found "$from"
one=$(git rev-parse --verify --quiet "$merged^1") || exit 0
if two=$(git rev-parse --verify --quiet "$merged^2"); then
  ! git merge-base --is-ancestor "$sha" "$two" || git merge-base --is-ancestor "$sha" "$one" || found "$one"
  exit 0
fi
print "$from" "$sha" > /tmp/diff
[ "$(wc -c < /tmp/diff)" -le "$most" ] || exit 0
wanted=$(git patch-id --stable < /tmp/diff | cut -d ' ' -f 1)
[ -n "$wanted" ] || exit 0
! same "$one" || found "$one"
count=$(git rev-list --count --no-merges "$from..$sha")
many=$(git rev-parse --verify --quiet "$merged~$count") || exit 0
! same "$many" || found "$many"
`;

/**
 * The commit of the base before a change that another host has merged: as a merge, as one commit, or as a copy of each of
 * its commits. Undefined if what that host has merged is not what the change proposed, or cannot be compared with it.
 */
export async function beforeMerge(git: GitWorker, row: ChangeRecord): Promise<Sha | undefined> {
  if (row.merged_sha === null || row.merge_base === null) return undefined;
  const args = [row.merged_sha, row.sha, row.merge_base, String(MAX_DIFF_BYTES)];
  const bounds = { maxBytes: MAX_OUTPUT_BYTES, timeoutMs: COMPARE_MS };
  const ended = await git.tryScript(row.repo, BEFORE_SCRIPT, args, bounds);
  if (ended.tooLong) return undefined;
  if (ended.code !== 0) throw new GitError(`git diff-tree: ${ended.stderr.trim()} (exit ${ended.code ?? "by a signal"})`);
  return ended.stdout.toString("latin1").trim() || undefined;
}
