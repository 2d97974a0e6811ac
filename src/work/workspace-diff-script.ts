import { BORROWED } from "../os/git/scratch-repo.ts";

/** Files of this size and up are not compared: git would hold them in memory, and they are too long to be read. Bytes. */
const MAX_COMPARED_BYTES = 8 * 1024 * 1024;
/** Things that are left out and named. If there are more, the comparison may fail on one of them. */
export const MAX_ODD = 1_000;

/** Writes files, folders' worth of pathspecs and indexes: all in the sandbox's own /tmp. */
const OWN = "/tmp/g";

/**
 * Compares an agent's workspace, /repo, with a commit of the hive's repository. The workspace is hostile. Git gets a
 * repository of its own in /tmp with the hive's objects, a fresh index and no configuration of the workspace, so no hook,
 * filter, monitor or alternate is known to it. Arguments: the tip of the base (empty: nothing), one path (empty: all), then
 * paths that are not the agent's.
 *
 * Prints the commit that it compares with, then a kind and a path for each thing that is left out, each with a NUL, an
 * empty one, and the diff.
 *
 * - The commit is where the workspace's HEAD and the base part, so that what others have merged since is not shown. For
 *   that alone the workspace's objects are read, without its alternates. A merge base that is not in the base's history, by
 *   the hive's objects, is the agent's invention: the tip takes its place.
 * - Fifos, sockets, devices, large files and repositories inside are left out before git could open one.
 * - Untracked files are entered without their content, and read like the others.
 */
export const WORKSPACE_DIFF_SCRIPT = `
set -eu
tip=$1 only=$2
shift 2
for dir in ${OWN} /tmp/h; do
  mkdir -p $dir/objects $dir/refs $dir/info
  echo 'ref: refs/heads/none' > $dir/HEAD
done
for path in "$@"; do printf '/%s\\n' "$(printf %s "$path" | sed 's/[][\\\\*?!#]/\\\\&/g')" >> ${OWN}/info/exclude; done
export GIT_ALTERNATE_OBJECT_DIRECTORIES=${BORROWED}

plain() { [ -f "$1" ] && [ ! -L "$1" ]; }
head=
git=/repo/.git
if [ -d $git ] && [ ! -L $git ] && plain $git/HEAD; then
  head=$(head -c 1000 $git/HEAD | head -n 1 | tr -d '\\0')
  case $head in
    *..* | *[!A-Za-z0-9/._:\\ -]*) head= ;;
    'ref: refs/heads/'*)
      ref=\${head#ref: }
      if plain "$git/$ref"; then head=$(head -c 40 "$git/$ref" | tr -d '\\0')
      elif plain $git/packed-refs; then head=$(head -c 4000000 $git/packed-refs | tr -d '\\0' | sed -n "s|^\\([0-9a-f]\\{40\\}\\) $ref$|\\1|p" | head -n 1)
      else head=
      fi ;;
  esac
  case $head in *[!0-9a-f]*) head= ;; esac
fi
from=$tip
if [ -n "$tip" ] && [ \${#head} = 40 ] && [ -d $git/objects ] && [ ! -L $git/objects ]; then
  for dir in $git/objects/pack $git/objects/[0-9a-f][0-9a-f]; do
    [ ! -d "$dir" ] || [ -L "$dir" ] || ln -s "$dir" /tmp/h/objects/
  done
  base=$(GIT_DIR=/tmp/h git merge-base "$tip" "$head" 2>/dev/null | head -n 1) || base=
  if [ -n "$base" ] && GIT_DIR=${OWN} git merge-base --is-ancestor "$base" "$tip" 2>/dev/null; then from=$base; fi
fi

export GIT_DIR=${OWN} GIT_WORK_TREE=/repo GIT_INDEX_FILE=${OWN}/index
cd /repo
odd=/tmp/odd
{
  find . -ignore_readdir_race -path ./.git -prune -o ! -type f ! -type d ! -type l -printf '%y\\0%P\\0'
  find . -ignore_readdir_race -path ./.git -prune -o -type f -size +${MAX_COMPARED_BYTES}c -printf 'f\\0%P\\0'
  find . -ignore_readdir_race -mindepth 2 -path ./.git -prune -o -mindepth 2 -name .git -prune -printf 'r\\0%P\\0' | sed -z 's|/\\.git$||'
} 2>/dev/null | head -z -n ${2 * MAX_ODD} > $odd
sed -z -n 'n;p' $odd > /tmp/paths

git -c index.version=4 read-tree "\${from:-4b825dc642cb6eb9a060e54bf8d69288fbee4904}"
if [ -s /tmp/paths ]; then
  xargs -0 git --literal-pathspecs ls-files -z -- < /tmp/paths > /tmp/tracked
  git update-index -z --skip-worktree --stdin < /tmp/tracked
fi
{
  printf '.\\0'
  sed -z 's|^|:(top,exclude,literal)|' /tmp/paths
} > /tmp/specs
git add --intent-to-add --ignore-errors --pathspec-from-file=/tmp/specs --pathspec-file-nul 2>/dev/null || true
git update-index -q --refresh > /dev/null || true
printf '%s\\0' "$from"
cat $odd
printf '\\0'
if [ -n "$only" ]; then set -- -- ":(top,literal)$only"; else set --; fi
exec git --no-pager diff-index -r -p --raw -z --no-renames --text --no-ext-diff --no-textconv --no-color --full-index \\
  --no-indent-heuristic --diff-algorithm=myers --unified=3 --ignore-submodules=all "\${from:-4b825dc642cb6eb9a060e54bf8d69288fbee4904}" "$@"
`;
