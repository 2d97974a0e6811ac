/**
 * The shell script between the daemon and bubblewrap. Arguments: uid, gid (or `-` for a plain user), a folder that
 * every uid may pass, one of our own, then the group files to join, `--`, the private sources, `--`, the program.
 *
 * As root it runs in a mount namespace of its own: sources are bound into a small tmpfs, which is then bound to a
 * folder at the top, so that no parent's mode matters (bubblewrap as the agent's uid could not pass a 0700 parent, and
 * bubblewrap as root would make the agent host root for files). Then it becomes the agent's uid for good.
 */
export const LAUNCHER = `
set -eu
uid=$1 gid=$2 stage=$3 scratch=$4
shift 4
while [ "$1" != -- ]; do
  echo $$ > "$1"
  shift
done
shift
if [ "$uid" = - ]; then
  while [ "$1" != -- ]; do shift; done
  exec bwrap --args 3 --json-status-fd 4 "$@"
fi
mount -t tmpfs -o mode=755,size=64k hive-stage "$scratch"
n=0
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir "$scratch/$n"; else : > "$scratch/$n"; fi
  mount --bind "$1" "$scratch/$n"
  n=$((n + 1))
  shift
done
mount --rbind "$scratch" "$stage"
exec setpriv --reuid "$uid" --regid "$gid" --clear-groups --no-new-privs bwrap --args 3 --json-status-fd 4 "$@"
`;

/** Folders at the top that every uid may pass; the first that exists is hidden by the stage, for this cage alone. */
export const STAGE_FOLDERS = ["/mnt", "/srv", "/media", "/tmp"] as const;
