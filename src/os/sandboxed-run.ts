import type { ChildProcess } from "node:child_process";
import { existsSync, readlinkSync, realpathSync } from "node:fs";
import { ID_MAP_OPTIONS } from "./id-map.ts";
import { LAUNCH_ENV } from "./launch-env.ts";
import { startChild } from "./run.ts";
import { seccompFilter } from "./seccomp/filter.ts";

/** A program that runs once in a sandbox with one foreign folder, and others that it only reads. */
export interface SandboxedProgram {
  /** The host folder that appears at `at`, read-only by default. */
  folder: string;
  /** By default /repo. */
  at?: string;
  /** Binds the folder writable, as far as the owner may write. */
  writable?: boolean;
  /** More folders of the host, read-only, each at its path in the sandbox. A later one may be inside an earlier one. */
  reads?: readonly { host: string; at: string }[];
  /** Gives it a /proc of its own processes, which some programs look themselves up in. */
  proc?: boolean;
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
/** Folders that every host has and every uid can enter. The foreign folders are bound there for bubblewrap. */
export const STAGES = ["/mnt", "/srv", "/media", "/tmp"];

/**
 * As root: binds the folders where every uid can enter, in a new mount namespace, then switches to the owner
 * permanently, like the cage driver. Limits are set last, for everything that follows. Each program that this starts
 * costs a fifteenth of the whole run, so folders of one stage are made only if there are too few stages.
 */
const AS_ROOT = `
set -eu
uid=$1 gid=$2 stage=$3 folders=$4 map=$5 kib=$6 seconds=$7
shift 7
if [ -n "$stage" ]; then
  mount -t tmpfs -o mode=755,size=64k hive-stage "$stage"
  # One program for all of them. None has a blank.
  mkdir $folders
fi
while [ "$1" != -- ]; do
  mount --bind \${map:+-o "${ID_MAP_OPTIONS}$map"} "$1" "$2"
  map=
  shift 2
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
 * Starts the sandbox with our pipes as stdio. No network, no capabilities, no other file of the host, an empty
 * environment, and the system calls of every cage. It ends with us, and when its process group is killed. The script
 * must check that the bound folder is the intended one; it gets what it needs to compare.
 */
export function sandboxedRun(cage: SandboxedProgram): ChildProcess {
  const sources = [cage.folder, ...(cage.reads ?? []).map(({ host }) => host)];
  const limits = [String(Math.floor(cage.memoryBytes / 1024)), String(cage.cpuSeconds)];
  const io = { env: LAUNCH_ENV, cwd: "/", extra: [seccompFilter()] };
  if (process.getuid?.() !== 0)
    return startChild("/bin/sh", ["-c", AS_USER, "hive-once", ...limits, ...bwrapArguments(cage, sources)], io);
  // Bound by their real paths: a link could lead through what was bound before it.
  const real = sources.map(realPath);
  const { stage, targets } = placesFor(real);
  const { uid, gid } = cage.owner;
  const binds = real.flatMap((source, index) => [source, targets[index] ?? ""]);
  const ids = [String(uid), String(gid)];
  const argv = ["hive-once", ...ids, stage, stage && targets.join(" "), cage.idMap ?? "", ...limits, ...binds, "--"];
  const inside = ["/bin/sh", "-c", AS_ROOT, ...argv, ...bwrapArguments(cage, targets)];
  return startChild("unshare", ["--mount", "--propagation", "private", "--", ...inside], io);
}

/**
 * Where root binds each source: on a stage of its own, or, if there are too few, in folders of one stage. A stage hides
 * what is below it, so none that holds a source is taken. Throws if none is left.
 */
function placesFor(real: readonly string[]): { stage: string; targets: string[] } {
  const free = STAGES.filter((stage) => existsSync(stage) && !real.some((path) => `${path}/`.startsWith(`${stage}/`)));
  if (free.length >= real.length) return { stage: "", targets: free };
  const [stage] = free;
  if (stage === undefined)
    throw new Error(`one of ${STAGES.join(", ")} has to exist and hold none of ${real.join(", ")}: make one, as an empty folder`);
  return { stage, targets: real.map((_, index) => `${stage}/${index}`) };
}

/** A path without links, or as it is given if we may not follow it. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // A folder of another user. Its mount says so if it does not exist.
    return path;
  }
}

/** Options of bubblewrap. The places are where it finds the folder, then each of `reads`. */
function bwrapArguments(cage: SandboxedProgram, [folder = "", ...reads]: readonly string[]): string[] {
  const args = ["--unshare-all", "--unshare-user", "--disable-userns", "--new-session", "--die-with-parent", "--cap-drop", "ALL"];
  args.push("--seccomp", String(FILTER_FD));
  for (const path of PROGRAMS) {
    const target = linkTarget(path);
    if (target !== undefined && !path.startsWith("/run/")) args.push("--symlink", target, path);
    else if (existsSync(path)) args.push("--ro-bind", path, path);
  }
  for (const path of LOADER) if (existsSync(path)) args.push("--ro-bind", path, path);
  if (cage.proc === true) args.push("--proc", "/proc");
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
    folder,
    cage.at ?? "/repo",
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
