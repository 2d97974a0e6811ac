import { EMPTY_TREE } from "../../os/git/git.ts";
import { LISTS } from "./surprises.ts";

/** The committer of every commit that the hive makes. */
export const HIVE_COMMITTER = "hyperhive <daemon@hive.invalid>";
/** The trailer that names the change in the commit that merges it. */
export const CHANGE_TRAILER = "Hive-Change";

/**
 * Commits of one change that are rebased, and bytes of each: more than anyone reviews, and bounded, because each commit
 * takes some processes of git.
 */
export const MAX_REBASED_COMMITS = 500;
const MAX_COMMIT_BYTES = 256 * 1024;
/** Bytes of the list of a conflict's files that are read. Its reason shows fewer. */
const MAX_CONFLICT_BYTES = 256 * 1024;

/**
 * What all scripts share. `combine` merges two commits and sets `tree`; `three` applies the difference between two trees
 * to a third by giving both sides a parent that exists for this only, because `git merge-tree` has no `--merge-base`
 * before version 2.40. `make` writes a commit byte by byte, so that an author that git would refuse to write is kept. A
 * conflict is printed and ends the script.
 */
const COMMON = `
set -eu
export GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x GIT_AUTHOR_DATE='@1 +0000'
export GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x GIT_COMMITTER_DATE='@1 +0000'

combine() {
  code=0
  tree=$(git merge-tree --write-tree --no-messages "$1" "$2") || code=$?
  [ "$code" != 0 ] || return 0
  [ "$code" = 1 ] || exit "$code"
  printf 'conflict\\0'
  git merge-tree --write-tree -z --name-only "$1" "$2" | head -c ${MAX_CONFLICT_BYTES}
  exit 0
}

three() {
  if [ "$1" = "$2" ]; then tree=$3; return 0; fi
  b=$(git commit-tree "$1" -m base)
  o=$(git commit-tree "$2" -p "$b" -m ours)
  t=$(git commit-tree "$3" -p "$b" -m theirs)
  combine "$o" "$t"
}

field() { sed -n "/^\\$/q;/^$1 /{p;q;}"; }

# A commit is not older than the tip that it follows: git walks histories by date.
moment() {
  when=$1
  [ "$2" != - ] || return 0
  last=$(git show -s --format=%ct "$2")
  case $last in '' | *[!0-9]* | ???????????*) ;; *) [ "$last" -le "$when" ] || when=$last ;; esac
}

# The message is in /tmp/message.
make() {
  {
    printf 'tree %s\\n' "$1"
    for parent in $2; do printf 'parent %s\\n' "$parent"; done
    printf '%s\\n' "$3"
    printf 'committer ${HIVE_COMMITTER} %s +0000\\n' "$when"
    if [ -n "$4" ]; then printf '%s\\n' "$4"; fi
    printf '\\n'
    cat /tmp/message
  } > /tmp/commit
  made=$(git hash-object -t commit -w /tmp/commit)
}

own() { printf 'author ${HIVE_COMMITTER} %s +0000' "$when"; }
`;

/**
 * Makes the commit that merges a change. Arguments: method, tip of the base or `-`, commit of the change, the change as
 * `<repo>/<id>`, seconds, then what a line of the input of `LISTS` begins with. Its message is on standard input. Prints
 * one of, with NUL after each word: `made` and the commit, then what `LISTS` prints of it;
 * `contained`; `unrelated`; `too_many` and the number of commits; `too_large` and a commit; `conflict` and what
 * `git merge-tree -z --name-only` prints.
 */
export const MERGE_SCRIPT = `${COMMON}
method=$1 tip=$2 sha=$3 name=$4
moment "$5" "$tip"
shift 5
cat > /tmp/given

trailer() {
  # Without a newline at the end, git puts the trailer directly under the subject.
  [ -z "$(tail -c 1 /tmp/given)" ] || echo >> /tmp/given
  git interpret-trailers --no-divider --trailer "${CHANGE_TRAILER}: $name" < /tmp/given > /tmp/message
}
ends="$*"
finish() {
  printf 'made\\0%s\\0' "$made"
  printf '%s %s\\n' "$ends" "$made" > /tmp/ends
  compare < /tmp/ends
  exit 0
}
compare() {${LISTS}}

if [ "$tip" = - ]; then
  tree=$(git rev-parse "$sha^{tree}")
  trailer
  if [ "$method" = squash ]; then make "$tree" "" "$(git cat-file commit "$sha" | field author)" ""
  else make "$tree" "$sha" "$(own)" ""; fi
  finish
fi

code=0
base=$(git merge-base "$tip" "$sha") || code=$?
[ "$code" != 1 ] || { printf 'unrelated\\0'; exit 0; }
[ "$code" = 0 ] || exit "$code"
[ "$base" != "$sha" ] || { printf 'contained\\0'; exit 0; }

start=$(git rev-parse "$tip^{tree}")
case $method in
merge)
  combine "$tip" "$sha"
  trailer
  make "$tree" "$tip $sha" "$(own)" ""
  finish
  ;;
squash)
  combine "$tip" "$sha"
  [ "$tree" != "$start" ] || { printf 'contained\\0'; exit 0; }
  trailer
  make "$tree" "$tip" "$(git cat-file commit "$sha" | field author)" ""
  finish
  ;;
rebase)
  count=$(git rev-list --count --no-merges "$tip..$sha")
  [ "$count" -le ${MAX_REBASED_COMMITS} ] || { printf 'too_many\\0%s\\0' "$count"; exit 0; }
  tree=$start
  : > /tmp/picked
  for one in $(git rev-list --reverse --topo-order --no-merges "$tip..$sha"); do
    [ "$(git cat-file -s "$one")" -le ${MAX_COMMIT_BYTES} ] || { printf 'too_large\\0%s\\0' "$one"; exit 0; }
    before=$tree
    from=$(git rev-parse --verify --quiet "$one^1^{tree}") || from=${EMPTY_TREE}
    three "$from" "$tree" "$(git rev-parse "$one^{tree}")"
    [ "$tree" = "$before" ] || printf '%s %s\\n' "$one" "$tree" >> /tmp/picked
  done
  left=$(wc -l < /tmp/picked)
  [ "$left" -gt 0 ] || { printf 'contained\\0'; exit 0; }
  made=$tip
  while read -r one tree; do
    git cat-file commit "$one" > /tmp/old
    sed '1,/^$/d' /tmp/old > /tmp/given
    left=$((left - 1))
    if [ "$left" = 0 ]; then trailer; else cp /tmp/given /tmp/message; fi
    make "$tree" "$made" "$(field author < /tmp/old)" "$(field encoding < /tmp/old)"
  done < /tmp/picked
  finish
  ;;
esac
exit 64
`;

/**
 * Makes a commit on a tip that undoes what lies between two commits. Arguments: tip, the commit that is undone, the
 * commit before it or `-`, seconds. The message is on standard input. Prints as the merge does.
 */
export const REVERT_SCRIPT = `${COMMON}
tip=$1
moment "$4" "$tip"
cat > /tmp/message
start=$(git rev-parse "$tip^{tree}")
if [ "$3" = - ]; then before=${EMPTY_TREE}; else before=$(git rev-parse "$3^{tree}"); fi
three "$(git rev-parse "$2^{tree}")" "$start" "$before"
[ "$tree" != "$start" ] || { printf 'contained\\0'; exit 0; }
make "$tree" "$tip" "$(own)" ""
printf 'made\\0%s\\0' "$made"
`;

/**
 * Merges the upstream's tip of a base into the hive's. Arguments: the hive's tip, the upstream's, seconds. The message is
 * on standard input. Prints as the merge does.
 */
export const RECONCILE_SCRIPT = `${COMMON}
moment "$3" "$1"
cat > /tmp/message
combine "$1" "$2"
make "$tree" "$1 $2" "$(own)" ""
printf 'made\\0%s\\0' "$made"
`;
