import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { idMapsLack } from "../os/id-map.ts";
import { PROGRAM_PATH } from "../os/launch-env.ts";
import { HOST_STORE } from "../platforms/nixos/platform.ts";
import { detectLimits } from "../os/cgroups.ts";
import { filterArchitecture, noFilter } from "../os/seccomp/filter.ts";

/** The result of one check of this host, and how to fix it. */
export interface Finding {
  level: "ok" | "warn" | "error";
  what: string;
  /** A command or a sentence. Empty if nothing is wrong. */
  mend: string;
}

/** The oldest major version of Node that the hive runs on. `package.json` has it too. */
const MIN_NODE = 24;

/** Checks that a cage can be built on this host with the programs on `path`. Cheap: it starts no program. */
export function checkHost(path: string): Finding[] {
  const findings: Finding[] = [];
  const ok = (what: string): void => void findings.push({ level: "ok", what, mend: "" });
  const bad = (level: "warn" | "error", what: string, mend: string): void => void findings.push({ level, what, mend });

  const { node } = process.versions;
  if (Number(node.split(".")[0]) >= MIN_NODE) ok(`Node ${node}`);
  else bad("error", `Node ${node} is too old`, `npm start, which brings Node ${MIN_NODE}; or install it yourself`);

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
    bad("warn", "memory, cpu and process limits cannot be enforced for a cage as a whole", limits.why);
    if (!isOn(path, "prlimit"))
      bad("error", "prlimit is not installed", "apt-get install util-linux (or your distribution's package of it)");
  } else ok(`limits are enforced by ${limits.kind}`);
  return findings;
}

/**
 * Checks that this architecture and this kernel support the cages' system-call filter. `actions` are the seccomp
 * actions of the kernel, undefined if it lists none.
 */
export function checkFilter(architecture: string, actions: string | undefined): Finding {
  const what = "no cage can have its system-call filter";
  if (filterArchitecture(architecture) === undefined) return { level: "error", what, mend: noFilter(architecture) };
  if (actions === undefined || !actions.split(/\s+/).includes("kill_process"))
    return { level: "error", what, mend: "use a kernel with CONFIG_SECCOMP_FILTER, Linux 4.14 or newer" };
  return { level: "ok", what: `cages have a system-call filter (${architecture})`, mend: "" };
}

/**
 * Checks that containers can be started on this host with the programs on `path`: what `HIVE_DRIVER=nixos-container` needs
 * besides `checkHost`. `hasHelper` says whether root's helper is there, or can be. Without `isChosen` it leaves out what
 * the host gets with the choice of this driver. It starts one program, for a version.
 */
export async function checkContainerHost(
  path: string,
  hasHelper: boolean,
  { isChosen = true }: { isChosen?: boolean } = {},
): Promise<Finding[]> {
  const needs = [
    [existsSync("/etc/NIXOS"), "this host is not NixOS", "use HIVE_DRIVER=bwrap, which runs on every Linux"],
    [
      hasHelper,
      "containers need root's helper",
      "start the hive with root (services.hive-c0re, or hive-w4rden start), and not with HIVE_AS_ROOT, which starts no helper",
    ],
    [
      existsSync(HOST_STORE.socket),
      "the daemon of Nix does not run",
      "systems are built by it: enable nix.enable of the host, and see systemctl status nix-daemon.socket",
    ],
    ...["nix", "nix-store", "systemctl", "nsenter", ...(isChosen ? ["nixos-container"] : [])].map(
      (program) =>
        [isOn(`${path}:${PROGRAM_PATH}`, program), `${program} is not installed`, PROGRAM_MEND[program] ?? "install it"] as const,
    ),
  ] as const;
  const findings = needs.flatMap(([holds, what, mend]): Finding[] => (holds ? [] : [{ level: "error", what, mend }]));
  const lacks = await idMapsLack();
  if (lacks !== undefined)
    findings.push({ level: "error", what: `the folders of a container cannot be id-mapped: ${lacks}`, mend: "update the host" });
  if (findings.length === 0) findings.push({ level: "ok", what: "this host can run containers", mend: "" });
  return findings;
}

const PROGRAM_MEND: Record<string, string> = {
  "nixos-container": "set boot.enableContainers = true on the host; services.hive-c0re.driver does",
};

function isOn(path: string, program: string): boolean {
  const folders = [...path.split(":"), "/usr/sbin", "/sbin"];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      // Not in this folder, or not executable.
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
    // The kernel does not have this setting.
    return undefined;
  }
}
