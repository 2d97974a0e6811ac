import { BORROWED } from "../../os/git/scratch-repo.ts";

/** Where a cage has the objects of its repositories, each in a folder of its name. */
const CAGE_OBJECTS = "/run/hive/objects";

/**
 * Lists what the clones in a folder need, one object a line, then `end`. The folder is an agent's, and hostile: git gets a
 * repository of its own in /tmp and reads from the clone's folder only objects and indexes, no configuration, hook,
 * attribute or graft. What cannot be read is in `bad …` instead of `end`.
 *
 * For each folder of objects that borrows from this repository, or from another clone:
 * - every 40 hex digits in the files beside it: refs, HEAD, reflogs, packed refs, what a rebase or a bisection has noted,
 *   work trees and submodules;
 * - every own object that is no file: a commit that was never pushed, a stash, also one that no ref names any more;
 * - the indexes;
 * - the commits that a cherry-pick of several has left to do, which git notes in short.
 * Of these, the parents, trees and files that they name are printed. Their histories are not walked: an object that is in
 * the hive's repository comes with its history there.
 */
export const WORKSPACE_SCRIPT = `
set -eu
mkdir -p /tmp/g/objects /tmp/g/refs
echo 'ref: refs/heads/none' > /tmp/g/HEAD
: > /tmp/bad
export GIT_DIR=/tmp/g CLONE="$1" INDEX="$2" REPO="$3"
find /repo -ignore_readdir_race -type l \\( -name objects -o -path '*/objects/info' -o -path '*/objects/info/alternates' \\) \\
  -exec /bin/sh -c '[ ! -f "\${1%/objects*}/HEAD" ] || echo "\${1#/repo/} is a link" >> /tmp/bad' hive {} \\;
find /repo -ignore_readdir_race -type f -path '*/info/alternates' -exec /bin/sh -c 'eval "$CLONE"' hive {} \\;
[ -s /tmp/bad ] || exec echo end
read -r why < /tmp/bad
echo "bad $why"
`;

const REV_LIST = "git rev-list --objects --no-object-names --missing=allow-any --no-walk=unsorted";

/** Runs for each file \`alternates\`. */
export const CLONE_SCRIPT = `
grep -qvxE '${CAGE_OBJECTS}/[^/]+' "$1"
if [ $? = 1 ] && [ -s "$1" ]; then
  grep -qxF "${CAGE_OBJECTS}/$REPO" "$1"
  [ $? != 1 ] || exit 0
fi
objects=\${1%/info/alternates}
folder=\${objects%/*}
bad() { echo "\${objects#/repo/}" >> /tmp/bad; }
export GIT_OBJECT_DIRECTORY="$objects"
{
  git cat-file --batch-all-objects --unordered --batch-check='%(objecttype) %(objectname)' || bad
} | {
  sed -n '/^blob /d; s/^[a-z]* //p' || bad
  case $objects in */objects)
    find "$folder" -ignore_readdir_race -path "$objects" -prune -o -type f -exec /bin/sh -c '
      grep -aohE "[0-9a-fA-F]{40}" "$@" || [ $? = 1 ] || echo "\${1#/repo/}" >> /tmp/bad' hive {} + || bad
    find "$folder" -ignore_readdir_race -path "$objects" -prune -o -type f -path '*/sequencer/todo' -exec sed -nE \\
      's/^[a-z]+ ([0-9a-f]{4,39})( .*)?$/\\1^{commit}/p' {} + |
      GIT_ALTERNATE_OBJECT_DIRECTORIES=${BORROWED} git cat-file --batch-check='%(objectname)' |
      sed -n -e '/ ambiguous$/w /tmp/ambiguous' -e '/^[0-9a-f]\\{40\\}$/p' || bad
    [ ! -s /tmp/ambiguous ] || echo "\${folder#/repo/}/sequencer/todo is ambiguous" >> /tmp/bad
  esac
} | GIT_ALTERNATE_OBJECT_DIRECTORIES=${BORROWED} ${REV_LIST} --parents --ignore-missing --stdin || bad
case $objects in */objects) ;; *) exit ;; esac
[ ! -d "$folder/reftable" ] || echo "\${folder#/repo/} keeps its refs in a reftable" >> /tmp/bad
export GIT_ALTERNATE_OBJECT_DIRECTORIES=${BORROWED}
find "$folder" -ignore_readdir_race -path "$objects" -prune -o -type f -name index -exec /bin/sh -c 'eval "$INDEX"' hive {} \\; || bad
`;

/** Runs for each file \`index\`; a branch may have that name, too. */
export const INDEX_SCRIPT = `
[ "$(head -c 4 "$1" | tr -d '\\0')" = DIRC ] || exit 0
rm -f /tmp/g/sharedindex.*
for shared in "\${1%/*}"/sharedindex.*; do [ ! -f "$shared" ] || ln -s "$shared" /tmp/g/; done
GIT_INDEX_FILE="$1" ${REV_LIST} --indexed-objects || echo "\${1#/repo/}" >> /tmp/bad
`;
