import { chownSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CGROUP, OWN_LEAF, V1_CONTROLLERS } from "./cgroups.ts";

/** Groups in which another user may make groups with limits. */
export interface Delegated {
  /** A command that starts a program in the delegated group, where a service manager has to make it. Else empty. */
  inside: readonly string[];
  /** Puts a process into the leaf, from which it finds the group. Before that, with `inside`, it has to be started by it. */
  join(pid: number): void;
  /** Removes what is empty. */
  remove(): void;
}

/** The controllers that limit a cage. */
const CONTROLLERS = ["memory", "pids", "cpu"];
const SYSTEM_MANAGER = "/run/systemd/system";
const SLICE = "hyperhive.slice";
/**
 * Makes the scope `$0` and runs a program in it. What is left of a scope without processes is stopped before: until the
 * manager has noticed that it is empty, it refuses another one of its name, and a restart of the service would fail.
 */
const NEW_SCOPE = 'systemctl stop "$0" 2> /dev/null; exec systemd-run --unit="$0" "$@"';
/** The files of a v2 group that its new owner has to write. */
const V2_FILES = ["cgroup.procs", "cgroup.threads"] as const;

/**
 * Delegates a group named `name` to a user: a scope of systemd where that is the first process of the host, else a
 * folder at the top of each hierarchy. Undefined if this host has no writable cgroup. `root` is the folder of the
 * hierarchies, and `manager` exists if systemd is the first process; tests give others.
 */
export function delegate(
  name: string,
  owner: { uid: number; gid: number },
  { root = CGROUP, manager = SYSTEM_MANAGER } = {},
): Delegated | undefined {
  if (existsSync(join(root, "cgroup.controllers"))) return delegateV2(name, owner, { root, manager });
  const folders = V1_CONTROLLERS.map((controller) => join(root, controller, name));
  try {
    for (const folder of folders) own(folder, owner);
  } catch {
    // A hierarchy is missing, or read-only as in a container: limits are then those that the daemon can set.
    return undefined;
  }
  return {
    inside: [],
    join: (pid) => folders.forEach((folder) => enter(folder, pid)),
    remove: () => folders.forEach(removeGroup),
  };
}

function delegateV2(
  name: string,
  owner: { uid: number; gid: number },
  { root, manager }: { root: string; manager: string },
): Delegated | undefined {
  const byManager = existsSync(manager);
  const folder = byManager ? join(root, SLICE, `${name}.scope`) : join(root, name);
  const prepare = (): void => {
    if (!byManager) passOn(root);
    own(folder, owner);
    for (const file of V2_FILES) chownSync(join(folder, file), owner.uid, owner.gid);
  };
  const enterV2 = (pid: number): void => {
    if (byManager) prepare();
    enter(folder, pid);
    try {
      // Only a group without a process of its own can pass controllers on.
      passOn(folder);
    } catch {
      // This kernel, or the manager, refuses. The daemon finds none, limits each process, and says so.
    }
  };
  if (byManager) {
    // A scope that still contains cages of an earlier daemon is used again. An empty one is the manager's to remove.
    const options = ["--scope", "--collect", "--quiet", `--slice=${SLICE}`, "--property", "Delegate=yes", "--"];
    const command = ["/bin/sh", "-c", NEW_SCOPE, `${name}.scope`, ...options];
    return { inside: hasProcesses(folder) ? [] : command, join: enterV2, remove: () => {} };
  }
  try {
    prepare();
  } catch {
    // As above.
    return undefined;
  }
  return { inside: [], join: enterV2, remove: () => removeGroup(folder) };
}

function hasProcesses(folder: string): boolean {
  try {
    return readFileSync(join(folder, "cgroup.events"), "utf8").includes("populated 1");
  } catch {
    // There is no such group.
    return false;
  }
}

/** Lets groups below use the controllers of limits, those that this host has: the daemon says which limits then hold. */
function passOn(folder: string): void {
  const has = readFileSync(join(folder, "cgroup.controllers"), "utf8").trim().split(" ");
  const wanted = CONTROLLERS.filter((name) => has.includes(name)).map((name) => `+${name}`);
  if (wanted.length > 0) writeFileSync(join(folder, "cgroup.subtree_control"), wanted.join(" "));
}

/** Makes a group whose owner may make groups in it. Its limits, if an administrator sets any, stay root's. */
function own(folder: string, { uid, gid }: { uid: number; gid: number }): void {
  mkdirSync(folder, { recursive: true });
  chownSync(folder, uid, gid);
}

function enter(folder: string, pid: number): void {
  const leaf = join(folder, OWN_LEAF);
  mkdirSync(leaf, { recursive: true });
  writeFileSync(join(leaf, "cgroup.procs"), String(pid));
}

function removeGroup(folder: string): void {
  for (const one of [join(folder, OWN_LEAF), folder]) {
    try {
      rmdirSync(one);
    } catch {
      // Cages run in it, or it is gone. The next start uses it again.
      return;
    }
  }
}
