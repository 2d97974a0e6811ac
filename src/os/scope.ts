import { accessSync, constants, existsSync } from "node:fs";
import { join } from "node:path";
import { isMappedRoot } from "./user-namespace.ts";

/** A service manager that can create scopes for us. */
export interface Scopes {
  manager: "system" | "user";
  /** The cgroup folder that contains our slice. */
  root: string;
  /** The user's runtime folder, in which `systemd-run --user` finds its manager. */
  runtimeDir?: string;
}

interface ScopeLimits {
  memoryBytes: number;
  cpuPercent: number;
  pids: number;
}

const CGROUP = "/sys/fs/cgroup";
/** Exists if systemd is the first process of this host. */
const SYSTEM_MANAGER = "/run/systemd/system";
const SYSTEMD_RUN = ["/usr/bin/systemd-run", "/run/current-system/sw/bin/systemd-run"];
/** All cages of a host are in one slice, so that they can be inspected or limited together. */
const SLICE = "hyperhive.slice";

/** The service manager that can create a scope: the system's for root, the user's own for other users. */
export function findScopes(): Scopes | undefined {
  if (!existsSync(SYSTEM_MANAGER) || !SYSTEMD_RUN.some(isProgram)) return undefined;
  // The system's service manager does not obey root of a user namespace, and that root has no manager of its own.
  if (isMappedRoot()) return undefined;
  const uid = process.getuid?.() ?? 0;
  if (uid === 0) return { manager: "system", root: CGROUP };
  const runtimeDir = `/run/user/${uid}`;
  if (!existsSync(join(runtimeDir, "systemd", "private"))) return undefined;
  const root = join(CGROUP, "user.slice", `user-${uid}.slice`, `user@${uid}.service`);
  return { manager: "user", root, runtimeDir };
}

/**
 * The command that starts a program in its own scope: a group with limits that belongs to no service, so it survives a
 * stop of the daemon's service. The program keeps its pid and descriptors, because systemd-run executes it in place.
 */
export function scopeCommand(
  scopes: Scopes,
  name: string,
  limits: ScopeLimits,
): { folder: string; command(program: string, argv: string[]): [string, string[]]; env: Record<string, string> } {
  const properties = [
    `MemoryMax=${limits.memoryBytes}`,
    "MemorySwapMax=0",
    `TasksMax=${limits.pids}`,
    `CPUQuota=${limits.cpuPercent}%`,
  ].flatMap((property) => ["--property", property]);
  const options = [
    ...(scopes.manager === "user" ? ["--user"] : []),
    "--scope",
    // Also removes a scope that ended at its memory limit, so that its name is free for the next start.
    "--collect",
    "--quiet",
    `--slice=${SLICE}`,
    `--unit=${name}`,
    ...properties,
    "--",
  ];
  return {
    folder: join(scopes.root, SLICE, `${name}.scope`),
    command: (program, argv) => ["systemd-run", [...options, program, ...argv]],
    env: scopes.runtimeDir === undefined ? {} : { XDG_RUNTIME_DIR: scopes.runtimeDir },
  };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Missing, or not a program.
    return false;
  }
}
