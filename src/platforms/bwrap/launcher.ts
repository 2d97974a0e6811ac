import { ID_MAP_OPTIONS } from "../../os/id-map.ts";
import { KEEP_LOG } from "../../os/keep-log.ts";

/**
 * The launcher's error for a source whose id map could not be made, or whose folder has another owner than was
 * approved.
 */
export const NO_ID_MAP = "no id map for";

/**
 * The shell script between the daemon and bubblewrap. It runs in the folder of the log. Arguments: uid (or `-` for a
 * plain user), gid, a folder that every uid can enter, a folder of our own, the log's name and its maximum size in
 * bytes, then the group files to join, `--`, the private sources, each after its id map or `-`, `--`, the program.
 *
 * As root the script runs in its own mount namespace. It binds the sources into a small tmpfs and binds that to a
 * top-level folder, so that no parent's mode matters: bubblewrap with the agent's uid could not pass a 0700 parent, and
 * bubblewrap as root would make the agent host root for files. Then it switches to the agent's uid permanently.
 *
 * Bubblewrap ends with this shell, and the cage with bubblewrap, including all processes that its program has left. The
 * shell itself outlives the daemon.
 *
 * The cage writes its log into a pipe. The script bounds the log outside the cage and without a daemon: it copies until
 * the last process of the cage has ended, and starts a new file when one is full. On a full disk it reads the output
 * and drops it, so that no cage blocks.
 */
export const LAUNCHER = `
set -eu
uid=$1 gid=$2 stage=$3 scratch=$4 log=$5 whole=$6
shift 6
while [ "$1" != -- ]; do
  echo $$ > "$1"
  shift
done
shift

# If the mount ignores the map, or the folder has another owner, its uid is not the agent's.
map() {
  mount --bind -o "${ID_MAP_OPTIONS}$1" "$2" "$3" && [ "$(stat -c %u:%g "$3")" = "$uid:$gid" ] || {
    echo "${NO_ID_MAP} $2" >&2
    exit 1
  }
}

cage() {
  cd /
  unset OLDPWD
  if [ "$uid" = - ]; then
    while [ "$1" != -- ]; do shift; done
    exec bwrap --args 3 --json-status-fd 4 "$@"
  fi
  mount -t tmpfs -o mode=755,size=64k hive-stage "$scratch"
  n=0
  while [ "$1" != -- ]; do
    if [ -d "$2" ]; then mkdir "$scratch/$n"; else : > "$scratch/$n"; fi
    if [ "$1" = - ]; then mount --bind "$2" "$scratch/$n"; else map "$1" "$2" "$scratch/$n"; fi
    n=$((n + 1))
    shift 2
  done
  mount --rbind "$scratch" "$stage"
  exec setpriv --reuid "$uid" --regid "$gid" --clear-groups --no-new-privs bwrap --args 3 --json-status-fd 4 "$@"
}

${KEEP_LOG}
cage "$@" 2>&1 < /dev/null | keep_log 2> /dev/null
`;

/** Top-level folders that every uid can enter. The stage hides the first one that exists, for this cage only. */
export const STAGE_FOLDERS = ["/mnt", "/srv", "/media", "/tmp"] as const;
