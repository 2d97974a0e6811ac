import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { detectLimits } from "../os/cgroups.ts";
import { filterArchitecture, noFilter } from "../os/seccomp/filter.ts";

/** Something about this host that is in the way, and what mends it. */
export interface Finding {
  level: "ok" | "warn" | "error";
  what: string;
  /** A command or a sentence; empty for what is in order. */
  mend: string;
}

const MIN_NODE = [20, 19] as const;

/** Checks that a cage can be built here with the programs on `path`. Cheap: it looks, it starts nothing. */
export function checkHost(path: string): Finding[] {
  const findings: Finding[] = [];
  const ok = (what: string): void => void findings.push({ level: "ok", what, mend: "" });
  const bad = (level: "warn" | "error", what: string, mend: string): void => void findings.push({ level, what, mend });

  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1])) ok(`Node ${process.versions.node}`);
  else bad("error", `Node ${process.versions.node} is too old`, `install Node ${MIN_NODE.join(".")} or newer`);

  const native = checkNative(bindingFile());
  if (native) findings.push(native);

  const isRoot = process.getuid?.() === 0;
  const needed = {
    bwrap: "bubblewrap",
    git: "git",
    ...(isRoot ? { unshare: "util-linux", setpriv: "util-linux", mount: "mount" } : {}),
  };
  for (const [program, packageName] of Object.entries(needed)) {
    if (isOn(path, program)) ok(`${program} is installed`);
    else bad("error", `${program} is not installed`, `apt-get install ${packageName} (or your distribution's package of it)`);
  }

  if (!isRoot) {
    if (number("/proc/sys/user/max_user_namespaces") === 0 || number("/proc/sys/kernel/unprivileged_userns_clone") === 0) {
      bad(
        "error",
        "user namespaces are switched off",
        "sudo sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000",
      );
    } else if (
      number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") === 1 &&
      !existsSync("/etc/apparmor.d/bwrap-userns-restrict")
    ) {
      bad(
        "warn",
        "AppArmor restricts user namespaces",
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or a profile for bwrap",
      );
    } else ok("user namespaces are available");
  }

  findings.push(checkFilter(process.arch, text("/proc/sys/kernel/seccomp/actions_avail")));

  const limits = detectLimits();
  if (limits.kind === "prlimit") {
    bad("warn", "memory, cpu and process limits cannot be held for a cage as a whole", limits.why);
    if (!isOn(path, "prlimit"))
      bad("error", "prlimit is not installed", "apt-get install util-linux (or your distribution's package of it)");
  } else ok(`limits are held by ${limits.kind}`);
  return findings;
}

/**
 * Whether cages can have their system-call filter on this architecture, with a kernel that names these actions.
 * undefined: it names none.
 */
export function checkFilter(architecture: string, actions: string | undefined): Finding {
  const what = "no cage can have its system-call filter";
  if (filterArchitecture(architecture) === undefined) return { level: "error", what, mend: noFilter(architecture) };
  if (actions === undefined || !actions.split(/\s+/).includes("kill_process"))
    return { level: "error", what, mend: "use a kernel with CONFIG_SECCOMP_FILTER, Linux 4.14 or newer" };
  return { level: "ok", what: `cages have a system-call filter (${architecture})`, mend: "" };
}

/**
 * What is wrong with a build of better-sqlite3, or undefined. Built with the headers of Node 24.19 or newer as they are, its
 * objects end the process when they are collected (`scripts/native/no-wrap-hooks.h`); set-up builds it another way.
 */
export function checkNative(file: string): Finding | undefined {
  if (!existsSync(file) || !readFileSync(file).includes("RemoveEnvironmentCleanupHook")) return undefined;
  return {
    level: "error",
    what: "better-sqlite3 is built in a way in which it ends the process",
    mend: "rm -rf node_modules, then `npm start`: set-up builds it as it has to be here",
  };
}

function bindingFile(): string {
  const folder = dirname(createRequire(import.meta.url).resolve("better-sqlite3/package.json"));
  return join(folder, "build", "Release", "better_sqlite3.node");
}

function isOn(path: string, program: string): boolean {
  const folders = [...path.split(":"), "/usr/sbin", "/sbin"];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      // Not in this folder, or not a program.
      return false;
    }
  });
}

function number(file: string): number | undefined {
  const content = text(file);
  return content === undefined ? undefined : Number(content);
}

function text(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    // A kernel without this setting.
    return undefined;
  }
}
