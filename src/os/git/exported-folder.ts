import type { ChildProcess } from "node:child_process";
import type { SandboxedRun } from "../sandboxed-run.ts";
import { PACK_HISTORY } from "./pack-history.ts";
import { BORROWED } from "./scratch-repo.ts";
import { gitSandbox } from "./sandboxed-git.ts";

/** A repository of the host that its owner has exported to the hive: its git folder has the nonce in `hive-export`. */
export interface ExportedFolder {
  folder: string;
  owner: { uid: number; gid: number };
  nonce: string;
}

/** What may be done with an exported folder. There is nothing else. */
export type ExportTask =
  /** Checks that it is exported. */
  | { what: "check" }
  /** Lists branches and tags. */
  | { what: "refs" }
  /** Packs history. Standard input: one "want" or "^have" per line. */
  | { what: "pack" }
  /** Makes `hive/<branch>` a commit of a repository of the hive, whose folder of objects is given. */
  | { what: "push"; objects: string; branch: string; sha: string; clean: boolean };

/** The branches of a folder that belong to the hive. It writes no other. */
export const HIVE_BRANCHES = "hive/";
/** What branches of a hive begin with on another host, where other hives may push as well. */
export const branchPrefixOf = (hiveId: string): string => HIVE_BRANCHES + hiveId;
/** The exit code for a folder without the nonce. Every other reason has a higher one. */
const NOT_EXPORTED = 71;

/**
 * Runs as the owner of the folder, which is /repo. Exit codes give the reason of a refusal. `hive-export` has to hold
 * the nonce that the owner wrote: the hive reads no repository that its owner has not exported.
 */
const GUARD = `
set -eu
[ -f /repo/hive-export ] && [ "$(head -c 64 /repo/hive-export)" = "$1" ] || exit ${NOT_EXPORTED}
shift
[ -d /repo/objects ] && [ -f /repo/HEAD ] || exit 72
[ ! -e /repo/shallow ] || exit 73
[ ! -e /repo/objects/info/alternates ] || exit 74
[ -z "$(git config --file /repo/config --get-regexp '^(extensions\\.partialclone|remote\\..*\\.promisor)$' || true)" ] || exit 75
`;
/** True for an exit code that says that the folder has the nonce. */
export const isExported = (code: number): boolean => code === 0 || code > NOT_EXPORTED;

const REFS = `${GUARD}
git symbolic-ref -q HEAD || echo
exec git for-each-ref --format='%(objectname) %(objecttype) %(*objecttype) %(refname)' refs/heads refs/tags
`;
const PACK = `${GUARD}${PACK_HISTORY}`;

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

/** Starts a task in the sandbox, as the owner of the folder. Its exit code gives the reason of a refusal. */
export function onExportedFolder(
  sandboxedRun: SandboxedRun,
  { folder, owner, nonce }: ExportedFolder,
  task: ExportTask,
): ChildProcess {
  const base = { folder, owner, ...gitSandbox() };
  if (task.what === "push") {
    const args = [nonce, task.branch, task.sha, task.clean ? "clean" : ""];
    return sandboxedRun({ ...base, writable: true, reads: [{ host: task.objects, at: BORROWED }], script: PUSH, args });
  }
  const script = { check: GUARD, refs: REFS, pack: PACK }[task.what];
  return sandboxedRun({ ...base, script, args: [nonce] });
}
