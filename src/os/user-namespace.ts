import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import type { Readable, Writable } from "node:stream";

/** A range of ids that are the same inside and outside of a user namespace. */
export interface IdRange {
  first: number;
  count: number;
}

/** A user namespace for one program. */
export interface MappedProgram {
  /** The user of the host that is root inside. */
  as: { uid: number; gid: number };
  /** The other ids that exist inside, for users and for groups. */
  range: IdRange | undefined;
  program: string;
  argv: readonly string[];
  env: Record<string, string>;
  /** Standard input, output and error. */
  stdio: "pipe" | StdioOptions;
  /** A command that starts the namespace, such as a service manager's. It has to keep its pid. */
  inside?: readonly string[];
  /** Called with the pid before the program starts. */
  onPid?(pid: number): void;
}

/**
 * The capabilities that the program has in its namespace: they apply to ids that are mapped, to the namespaces that it
 * makes, and to nothing else. Left out are those that no code needs there.
 */
const CAPABILITIES = [
  "chown",
  "dac_override",
  "dac_read_search",
  "fowner",
  "fsetid",
  "kill",
  "setgid",
  "setuid",
  "setpcap",
  "sys_admin",
  "sys_ptrace",
  "sys_resource",
  "setfcap",
];

/** Descriptors of the launcher: it writes a line when its namespace exists, and continues once it has read one. */
const READY_FD = 3;
const GO_FD = 4;
const LAUNCHER = `
set -eu
echo ready >&${READY_FD}
exec ${READY_FD}>&-
read -r go <&${GO_FD}
exec ${GO_FD}<&-
exec setpriv --reuid 0 --regid 0 --clear-groups --inh-caps=-all --ambient-caps=-all \
  --bounding-set=-all,${CAPABILITIES.map((name) => `+${name}`).join(",")} --no-new-privs -- "$@"
`;

/** The words of `startMapped` if the host does not support what it needs. */
export class NoUserNamespace extends Error {}

/**
 * Starts a program in a user namespace and a mount namespace of its own. Only root can: the kernel
 * takes maps of several ids from root alone. The namespace belongs to root, so no process of the mapped user can change it. Throws
 * `NoUserNamespace` if the host has none.
 */
export async function startMapped(cage: MappedProgram): Promise<ChildProcess> {
  const { as, range, inside = [], stdio } = cage;
  // The namespace has no ids before the maps are written, so the launcher can keep capabilities only as ambient ones.
  const unshare = ["unshare", "--user", "--mount", "--keep-caps", "--propagation", "unchanged", "--"];
  const [program = "", ...argv] = [...inside, ...unshare, "/bin/sh", "-c", LAUNCHER, "hive-launch", cage.program, ...cage.argv];
  const descriptors: StdioOptions = Array.isArray(stdio) ? [...stdio, "pipe", "pipe"] : [stdio, stdio, stdio, "pipe", "pipe"];
  // In a session of its own: root's terminal does not control it, and it does not control the terminal.
  const child = spawn(program, argv, { env: cage.env, cwd: "/", stdio: descriptors, detached: true });
  const [ready, go] = [child.stdio[READY_FD] as Readable, child.stdio[GO_FD] as Writable];
  // If the launcher ends early, its exit reports that.
  go.on("error", () => {});
  const isReady = await new Promise<boolean>((resolve) => {
    ready.once("data", () => resolve(true));
    ready.once("close", () => resolve(false));
    child.once("error", () => resolve(false)); // Unshare is not installed: the caller gets an error.
  });
  const { pid } = child;
  if (!isReady || pid === undefined)
    throw new NoUserNamespace("this host does not let root make a user namespace (unshare --user --mount --keep-caps failed)");
  try {
    const map = (own: number): string =>
      [`0 ${own} 1`, ...(range ? [`${range.first} ${range.first} ${range.count}`] : [])].join("\n");
    writeFileSync(`/proc/${pid}/uid_map`, `${map(as.uid)}\n`);
    writeFileSync(`/proc/${pid}/gid_map`, `${map(as.gid)}\n`);
    cage.onPid?.(pid);
  } catch (error) {
    child.kill("SIGKILL");
    throw new NoUserNamespace(`the maps of a user namespace cannot be written: ${String(error)}`, { cause: error });
  }
  go.end("go\n");
  ready.destroy();
  return child;
}

interface MapLine {
  inside: number;
  outside: number;
  count: number;
}

/** The users that exist in this process's user namespace. */
export function uidMap(text = readFileSync("/proc/self/uid_map", "utf8")): MapLine[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([inside = 0, outside = 0, count = 0]) => ({ inside, outside, count }));
}

/** True in a process that is root inside of a user namespace, and another user on the host. */
export function isMappedRoot(map = uidMap()): boolean {
  return process.getuid?.() === 0 && map.find(({ inside }) => inside === 0)?.outside !== 0;
}

/** The number that the host has for root of this process's user namespace. */
export function hostUid(map = uidMap()): number {
  return map.find(({ inside }) => inside === 0)?.outside ?? 0;
}

/** Whether a uid exists in this process's user namespace. */
export function isMapped(uid: number, map = uidMap()): boolean {
  return map.some(({ inside, count }) => uid >= inside && uid < inside + count);
}
