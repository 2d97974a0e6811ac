import { BORROWED } from "../../os/git/scratch-repo.ts";
import { collect } from "../../os/run-bytes.ts";
import type { Sha } from "../../wire/approval.ts";
import { HiveError } from "../../wire/error.ts";
import type { Upstream } from "../repositories.ts";
import { GUARD, refusal } from "./import.ts";
import type { GitWorker } from "./worker.ts";

/** The branches of a folder that belong to the hive. It writes no other. */
export const HIVE_BRANCHES = "hive/";
/** Time for one push: the objects of many merges. Milliseconds. */
const PUSH_MS = 30 * 60_000;
/** Bytes that a push prints. It prints nothing. */
const MAX_OUTPUT_BYTES = 4_096;

/**
 * Runs as the owner of the folder. Arguments: the nonce, the branch below `hive/`, the commit, and `clean` to remove the
 * lock that a killed push has left: nothing else writes this branch. Objects come from the hive's repository, are checked
 * by git, and are whole before the branch moves. A branch that leads elsewhere, that is checked out, or that has a commit
 * which the hive lacks, stays as it is.
 */
const PUSH = `${GUARD}
branch=refs/heads/${HIVE_BRANCHES}$1 new=$2 clean=$3
path=/repo
for part in refs heads ${HIVE_BRANCHES.slice(0, -1)} $(echo "$1" | tr / ' '); do
  path=$path/$part
  [ ! -L "$path" ] || exit 81
done
! git symbolic-ref -q "$branch" > /dev/null || exit 81
for tree in /repo /repo/worktrees/*; do
  [ -f "$tree/HEAD" ] || continue
  [ "$(git --git-dir="$tree" symbolic-ref -q HEAD || true)" != "$branch" ] || exit 82
done
! git show-ref --verify -q refs/heads/${HIVE_BRANCHES.slice(0, -1)} || exit 83
[ -z "$clean" ] || rm -f "/repo/$branch.lock"
old=$(git rev-parse --verify --quiet "$branch") || old=
[ "$old" != "$new" ] || exit 0
if [ -n "$old" ]; then GIT_OBJECT_DIRECTORY=${BORROWED} git cat-file -e "$old" || exit 84; fi
{ echo "$new"; git for-each-ref --format='^%(objectname)'; } > /tmp/list
export GIT_ALTERNATE_OBJECT_DIRECTORIES=${BORROWED}
if [ -n "$(git rev-list --max-count=1 --stdin < /tmp/list)" ]; then
  git pack-objects --revs --stdout -q --delta-base-offset --threads=1 < /tmp/list |
    git -c core.fsync=all -c core.fsyncMethod=fsync index-pack --stdin > /dev/null
fi
unset GIT_ALTERNATE_OBJECT_DIRECTORIES
git rev-list --objects --quiet --stdin < /tmp/list 2> /dev/null || exit 85
exec git -c core.fsync=all -c core.fsyncMethod=fsync update-ref --no-deref "$branch" "$new" "\${old:-${"0".repeat(40)}}"
`;

const WHY: Record<number, (branch: string) => string> = {
  81: (branch) => `${branch} is a link there: remove it`,
  82: (branch) => `${branch} is checked out there: switch to another branch`,
  83: () => "a branch hive is in the way: rename it",
  84: (branch) => `${branch} has commits there that the hive lacks: rename that branch`,
  85: () => "objects of its own branches are missing: git fsck there names them",
};

/**
 * Makes `hive/<base>` of a folder the commit of a repository, with every object that it needs. On stable storage when it
 * resolves. Safe to repeat. Throws `HiveError` with what to do if the folder does not allow it.
 */
export async function pushBase(
  git: GitWorker,
  { repo, upstream, base, sha }: { repo: string; upstream: Upstream; base: string; sha: Sha },
  { signal, clean }: { signal: AbortSignal; clean: boolean },
): Promise<void> {
  const args = [upstream.nonce, base, sha, clean ? "clean" : ""];
  const child = git.writeFolder(repo, upstream.folder, upstream.owner, PUSH, args);
  const ended = await collect(child, { maxBytes: MAX_OUTPUT_BYTES, timeoutMs: PUSH_MS, signal });
  signal.throwIfAborted();
  if (ended.code === 0) return;
  const why = WHY[ended.code ?? 0]?.(HIVE_BRANCHES + base);
  if (why !== undefined) throw new HiveError("conflict", `${upstream.folder} cannot be written: ${why}`);
  if (ended.tooLong)
    throw new HiveError("unavailable", `writing ${upstream.folder} took longer than ${PUSH_MS / 60_000} minutes`);
  throw refusal(upstream, ended.code, ended.stderr);
}
