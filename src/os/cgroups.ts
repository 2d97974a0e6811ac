import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync, accessSync, constants } from "node:fs";
import { basename, dirname, join } from "node:path";
import { findScopes, scopeCommand, type Scopes } from "./scope.ts";

/** Limits of one group of processes. */
export interface GroupLimits {
  memoryBytes: number;
  /** 100 is one core. */
  cpuPercent: number;
  pids: number;
}

/** The ways to enforce limits on a host, best first. */
export type LimitWay =
  | ({ kind: "systemd" } & Scopes)
  | { kind: "cgroup2"; root: string }
  | { kind: "cgroup1"; root: string; parent: string }
  | { kind: "prlimit"; why: string };

/** A program and its arguments. */
type Command = [program: string, argv: string[]];

/** A group of processes that is limited as a whole. With prlimit, each process is limited on its own. */
export interface Group {
  /** Files into which a process writes its pid to join the group; empty if it joins by `command`. */
  procsFiles: string[];
  /** The command that runs a program in the group, unless it joins by `procsFiles`. */
  command(program: string, argv: string[]): Command;
  /** Environment variables that `command` needs. */
  env: Record<string, string>;
  /** How often the kernel has killed a process of the group for lack of memory. */
  oomKills(): number;
  memoryBytes(): number | undefined;
  /** Removes the group if it is empty; returns false otherwise. */
  remove(): boolean;
}

export const CGROUP = "/sys/fs/cgroup";
export const V1_CONTROLLERS = ["memory", "pids", "cpu"] as const;
/** The leaf of a delegated group that contains the process to which it was delegated. */
export const OWN_LEAF = "daemon";
/** Period over which the kernel counts cpu time: the kernel's own default. Microseconds. */
const CPU_PERIOD_US = 100_000;

/** Finds the best way to enforce limits on this host. */
export function detectLimits(): LimitWay {
  const scopes = existsSync(join(CGROUP, "cgroup.controllers")) ? findScopes() : undefined;
  if (scopes) return { kind: "systemd", ...scopes };
  if (existsSync(join(CGROUP, "cgroup.controllers"))) {
    const own = ownV2Group();
    const controllers = readOr(join(own, "cgroup.subtree_control"), "");
    if (["memory", "pids", "cpu"].every((name) => controllers.split(/\s+/).includes(name)) && writable(own))
      return { kind: "cgroup2", root: own };
    // Root may delegate to itself if the group contains no process of its own.
    if (process.getuid?.() === 0 && tryWrite(join(CGROUP, "cgroup.subtree_control"), "+memory +pids +cpu"))
      return { kind: "cgroup2", root: CGROUP };
    return { kind: "prlimit", why: "no cgroup is delegated to this user: run under systemd with Delegate=yes, or as root" };
  }
  for (const parent of [delegatedV1(), ""])
    if (parent !== undefined && V1_CONTROLLERS.every((name) => isV1Group(join(CGROUP, name, parent))))
      return { kind: "cgroup1", root: CGROUP, parent };
  return { kind: "prlimit", why: "no writable cgroup on this host" };
}

function ownV2Group(): string {
  const line = readOr("/proc/self/cgroup", "")
    .split("\n")
    .find((one) => one.startsWith("0::"));
  return join(CGROUP, dirname(line?.slice(3) ?? "/"));
}

/** The group that was delegated to this process, if it has the same name in every hierarchy. */
function delegatedV1(own = readOr("/proc/self/cgroup", "")): string | undefined {
  const lines = own.split("\n").map((line) => line.split(":"));
  const groups = V1_CONTROLLERS.map((name) => lines.find(([, controllers]) => controllers?.split(",").includes(name))?.[2]);
  const [group] = groups;
  return group !== undefined && basename(group) === OWN_LEAF && groups.every((one) => one === group) ? dirname(group) : undefined;
}

const isV1Group = (folder: string): boolean => existsSync(join(folder, "tasks")) && writable(folder);

/** Creates a group with limits. `name` is unique on the host because it contains the hive's id. */
export function makeGroup(way: LimitWay, name: string, limits: GroupLimits): Group {
  if (way.kind === "systemd") return scopeGroup(way, name, limits);
  if (way.kind === "cgroup2") return v2Group(join(way.root, name), limits);
  if (way.kind === "cgroup1") return v1Group(way.root, join(way.parent, name), limits);
  return rlimitGroup(limits);
}

/**
 * What a process may map beyond its limit if only mapped memory is counted. The CLI's runtime maps 1.3 GiB and uses a
 * fifth of it (measured), so a limit without this margin would kill it in mid-turn.
 */
const MAPPED_UNUSED_BYTES = 2 * 1024 ** 3;

/**
 * Without cgroups, the group cannot be limited as a whole. Each process gets a limit on its own memory. Root, whose
 * agents have their own users, can also limit the processes of a user. For a plain user, that limit would count the
 * user's other programs, so it is not set.
 */
function rlimitGroup(limits: GroupLimits): Group {
  const bounds = [`--data=${limits.memoryBytes + MAPPED_UNUSED_BYTES}`, "--core=0"];
  if (process.getuid?.() === 0) bounds.push(`--nproc=${limits.pids}`);
  return {
    procsFiles: [],
    command: (program, argv) => ["prlimit", [...bounds, "--", program, ...argv]],
    env: {},
    oomKills: () => 0,
    memoryBytes: () => undefined,
    remove: () => true,
  };
}

/** The service manager creates the group and removes it when it is empty. */
function scopeGroup(way: Scopes, name: string, limits: GroupLimits): Group {
  const { folder, command, env } = scopeCommand(way, name, limits);
  return {
    procsFiles: [],
    command,
    env,
    oomKills: () => oomKillsV2(folder),
    memoryBytes: () => numberOr(join(folder, "memory.current")),
    remove: () => !existsSync(folder),
  };
}

const unchanged = (program: string, argv: string[]): Command => [program, argv];

function oomKillsV2(folder: string): number {
  return Number(/^oom_kill (\d+)/m.exec(readOr(join(folder, "memory.events"), ""))?.[1] ?? 0);
}

function v2Group(folder: string, limits: GroupLimits): Group {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "memory.max"), String(limits.memoryBytes));
  tryWrite(join(folder, "memory.swap.max"), "0");
  writeFileSync(join(folder, "pids.max"), String(limits.pids));
  writeFileSync(join(folder, "cpu.max"), `${Math.round((limits.cpuPercent / 100) * CPU_PERIOD_US)} ${CPU_PERIOD_US}`);
  return {
    procsFiles: [join(folder, "cgroup.procs")],
    command: unchanged,
    env: {},
    oomKills: () => oomKillsV2(folder),
    memoryBytes: () => numberOr(join(folder, "memory.current")),
    remove: () => removeGroup(folder),
  };
}

function v1Group(root: string, name: string, limits: GroupLimits): Group {
  const folders = Object.fromEntries(V1_CONTROLLERS.map((controller) => [controller, join(root, controller, name)])) as Record<
    (typeof V1_CONTROLLERS)[number],
    string
  >;
  for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true });
  // Limit memory and swap together if swap is counted. That limit may never be below the memory limit, and an existing
  // group may have a smaller one, so remove it first.
  const swapLimit = join(folders.memory, "memory.memsw.limit_in_bytes");
  tryWrite(swapLimit, "-1");
  writeFileSync(join(folders.memory, "memory.limit_in_bytes"), String(limits.memoryBytes));
  tryWrite(swapLimit, String(limits.memoryBytes));
  writeFileSync(join(folders.pids, "pids.max"), String(limits.pids));
  writeFileSync(join(folders.cpu, "cpu.cfs_period_us"), String(CPU_PERIOD_US));
  writeFileSync(join(folders.cpu, "cpu.cfs_quota_us"), String(Math.round((limits.cpuPercent / 100) * CPU_PERIOD_US)));
  return {
    procsFiles: Object.values(folders).map((folder) => join(folder, "cgroup.procs")),
    command: unchanged,
    env: {},
    oomKills: () => Number(/^oom_kill (\d+)/m.exec(readOr(join(folders.memory, "memory.oom_control"), ""))?.[1] ?? 0),
    memoryBytes: () => numberOr(join(folders.memory, "memory.usage_in_bytes")),
    remove: () => Object.values(folders).map(removeGroup).every(Boolean),
  };
}

function removeGroup(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch {
    // Busy or removed: the caller retries a busy one.
    return !existsSync(folder);
  }
}

/** Our existing groups, for tests and `doctor`: none may be left over. */
export function groupsNamed(prefix: string): string[] {
  const roots = existsSync(join(CGROUP, "cgroup.controllers"))
    ? [CGROUP, ownV2Group()]
    : V1_CONTROLLERS.map((name) => join(CGROUP, name));
  return roots.flatMap((root) =>
    existsSync(root)
      ? readdirSync(root)
          .filter((name) => name.startsWith(prefix))
          .map((name) => join(root, name))
      : [],
  );
}

function readOr(file: string, otherwise: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // The kernel lacks this file, or the group was removed.
    return otherwise;
  }
}
function numberOr(file: string): number | undefined {
  const text = readOr(file, "").trim();
  return text === "" ? undefined : Number(text);
}
function writable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    // Not writable for us.
    return false;
  }
}
function tryWrite(file: string, text: string): boolean {
  try {
    writeFileSync(file, text);
    return true;
  } catch {
    // The caller decides what a refused limit means.
    return false;
  }
}
