import type { ChildProcess } from "node:child_process";
import { existsSync, readlinkSync } from "node:fs";
import { ID_MAP_OPTIONS } from "./id-map.ts";
import { LAUNCH_ENV } from "./launch-env.ts";
import { startChild } from "./run.ts";
import { seccompFilter } from "./seccomp/filter.ts";

/** A program that runs once in a sandbox with one foreign folder, and others that it only reads. */
export interface SandboxedProgram {
  /** The host folder that appears as /repo, read-only by default. */
  folder: string;
  /** Binds /repo writable, as far as the owner may write. */
  writable?: boolean;
  /** More folders of the host, read-only, each at a path of one name such as `/objects`. */
  reads?: readonly { host: string; at: string }[];
  /** An id map of the folder, as `idMap` makes it. Only root can use one. */
  idMap?: string | undefined;
  /** The owner of the files. The program runs as this user, never as one who could read more. */
  owner: { uid: number; gid: number };
  /** A shell script and its arguments. */
  script: string;
  args: readonly string[];
  /** The complete environment inside. */
  env: Record<string, string>;
  /** Bytes of memory per process, and seconds of processor time. */
  memoryBytes: number;
  cpuSeconds: number;
}

/** Folders of the host's programs, at the same paths inside. From /etc they need only the loader's cache. */
const PROGRAMS = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/run/current-system/sw"];
const LOADER = ["/etc/ld.so.cache", "/etc/alternatives"];
/**
 * Size of the only writable folder. It is in memory that counts as the daemon's. Lists of ten thousand objects need 2 MiB.
 * Bytes.
 */
const SCRATCH_BYTES = 16 * 1024 * 1024;
/** Descriptor of the system-call filter in the launcher: the first after its stdio. */
const FILTER_FD = 3;
/** Folders that every host has. The foreign folder is bound there for bubblewrap. */
const STAGES = ["/mnt", "/srv", "/media", "/tmp"];

/**
 * As root: binds the folders where every uid can enter, in a new mount namespace, then switches to the owner
 * permanently, like the cage driver. Limits are set last, for everything that follows.
 */
const AS_ROOT = `
set -eu
uid=$1 gid=$2 stage=$3 folder=$4 map=$5 kib=$6 seconds=$7
shift 7
mount -t tmpfs -o mode=755,size=64k hive-stage "$stage"
mkdir "$stage/0"
if [ -z "$map" ]; then mount --bind "$folder" "$stage/0"; else mount --bind -o "${ID_MAP_OPTIONS}$map" "$folder" "$stage/0"; fi
n=1
while [ "$1" != -- ]; do
  mkdir "$stage/$n"
  mount --bind "$1" "$stage/$n"
  n=$((n + 1))
  shift
done
shift
ulimit -c 0
ulimit -v "$kib"
ulimit -t "$seconds"
exec setpriv --reuid "$uid" --regid "$gid" --clear-groups --no-new-privs --pdeathsig KILL bwrap "$@"
`;
const AS_USER = `
set -eu
kib=$1 seconds=$2
shift 2
ulimit -c 0
ulimit -v "$kib"
ulimit -t "$seconds"
exec setpriv --pdeathsig KILL bwrap "$@"
`;

/** Runs a program in a sandbox, as a platform provides it. Resolves through the events of the process. */
export type SandboxedRun = (program: SandboxedProgram) => ChildProcess;

/**
 * Starts the sandbox with our pipes as stdio. No network, no capabilities, no other file of the host, no /proc, an empty
 * environment, and the system calls of every cage. It ends with us, and when its process group is killed. The script
 * must check that the bound folder is the intended one; it gets what it needs to compare.
 */
export function sandboxedRun(cage: SandboxedProgram): ChildProcess {
  const { reads = [] } = cage;
  const limits = [String(Math.floor(cage.memoryBytes / 1024)), String(cage.cpuSeconds)];
  if (process.getuid?.() !== 0) {
    const argv = [
      "-c",
      AS_USER,
      "hive-once",
      ...limits,
      ...bwrapArguments(
        cage,
        cage.folder,
        reads.map(({ host }) => host),
      ),
    ];
    return startChild("/bin/sh", argv, { env: LAUNCH_ENV, cwd: "/", extra: [seccompFilter()] });
  }
  const stage = STAGES.find((folder) => existsSync(folder));
  if (stage === undefined) throw new Error("none of /mnt, /srv, /media and /tmp exists: make one");
  const { uid, gid } = cage.owner;
  const script = [
    "/bin/sh",
    "-c",
    AS_ROOT,
    "hive-once",
    String(uid),
    String(gid),
    stage,
    cage.folder,
    cage.idMap ?? "",
    ...limits,
    ...reads.map(({ host }) => host),
    "--",
  ];
  const staged = reads.map((_, index) => `${stage}/${index + 1}`);
  const argv = ["--mount", "--propagation", "private", "--", ...script, ...bwrapArguments(cage, `${stage}/0`, staged)];
  return startChild("unshare", argv, { env: LAUNCH_ENV, cwd: "/", extra: [seccompFilter()] });
}

function bwrapArguments(cage: SandboxedProgram, source: string, reads: readonly string[]): string[] {
  const args = ["--unshare-all", "--unshare-user", "--disable-userns", "--new-session", "--die-with-parent", "--cap-drop", "ALL"];
  args.push("--seccomp", String(FILTER_FD));
  for (const path of PROGRAMS) {
    const target = linkTarget(path);
    if (target !== undefined && !path.startsWith("/run/")) args.push("--symlink", target, path);
    else if (existsSync(path)) args.push("--ro-bind", path, path);
  }
  for (const path of LOADER) if (existsSync(path)) args.push("--ro-bind", path, path);
  args.push(
    "--dev",
    "/dev",
    "--remount-ro",
    "/dev",
    "--size",
    String(SCRATCH_BYTES),
    "--tmpfs",
    "/tmp",
    cage.writable === true ? "--bind" : "--ro-bind",
    source,
    "/repo",
  );
  cage.reads?.forEach(({ at }, index) => args.push("--ro-bind", reads[index] ?? "", at));
  args.push("--remount-ro", "/", "--chdir", "/", "--clearenv");
  for (const [name, value] of Object.entries(cage.env)) args.push("--setenv", name, value);
  return [...args, "--", "/bin/sh", "-c", cage.script, "hive-once", ...cage.args];
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    // Not a link, or it does not exist.
    return undefined;
  }
}
