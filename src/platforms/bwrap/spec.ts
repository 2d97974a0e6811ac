import type { Bind, CageSpec } from "../port.ts";

/** Facts about the host that determine the base of a cage. */
export interface HostFacts {
  exists(path: string): boolean;
  /** The target of a symbolic link; undefined for anything else. */
  linkTarget(path: string): string | undefined;
}

/** The home folder in the cage. */
export const CAGE_HOME = "/home/agent";
/** The folder of the agent's clones. */
const WORKSPACES = "/work";
/** The uid inside the cage. On the host it is the identity's. */
export const CAGE_UID = 1000;

/** Top folders that are links into /usr on merged systems, and real folders elsewhere. */
const USR_MERGED = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
/** The host's programs on NixOS, where /usr has nearly none. */
const NIXOS_SYSTEM = "/run/current-system/sw";
/**
 * Files of /etc that programs need and that reveal nothing about the host: the loader's cache, alternatives,
 * certificates, fonts, Debian's launcher settings of Chromium. On NixOS they are links into /etc/static, which is a folder
 * of the store.
 */
const ETC_SHARED = [
  "/etc/ld.so.cache",
  "/etc/ld.so.conf",
  "/etc/ld.so.conf.d",
  "/etc/alternatives",
  "/etc/ssl/certs",
  "/etc/ca-certificates",
  "/etc/pki/tls/certs",
  "/etc/pki/ca-trust/extracted",
  "/etc/fonts",
  "/etc/chromium.d",
  "/etc/static",
];

/**
 * Shares of the memory limit for files in memory, in /tmp and /dev/shm. Such files count towards the limit. A quarter
 * is left for programs, so a full /tmp is an error for the writer, not the end of the cage.
 */
const TMP_SHARE = 1 / 2;
const SHM_SHARE = 1 / 4;

/** A small file that is created for the cage. */
export interface OwnFile {
  path: string;
  text: string;
}

/** Files of /etc for this cage: its users, and that it has no network. */
export function ownFiles(spec: CageSpec): OwnFile[] {
  return [
    {
      path: "/etc/passwd",
      text: `root:x:0:0:root:/:/usr/sbin/nologin\nagent:x:${CAGE_UID}:${CAGE_UID}:${spec.name}:${CAGE_HOME}:/bin/sh\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n`,
    },
    { path: "/etc/group", text: `root:x:0:\nagent:x:${CAGE_UID}:\nnogroup:x:65534:\n` },
    { path: "/etc/hosts", text: `127.0.0.1 localhost h-${spec.name}\n::1 localhost\n` },
    { path: "/etc/nsswitch.conf", text: "passwd: files\ngroup: files\nhosts: files\n" },
    { path: "/etc/resolv.conf", text: "" },
    {
      path: "/etc/gitconfig",
      text: `[user]\n\tname = ${spec.name}\n\temail = ${spec.name}@hive.invalid\n[safe]\n\tdirectory = *\n[init]\n\tdefaultBranch = main\n[advice]\n\tdetachedHead = false\n[checkout]\n\tworkers = 0\n[include]\n\tpath = ${WORKSPACES}/.hive/gitconfig\n`,
    },
  ];
}

/** Folders of the host that belong to this cage. Their parents may be impassable for its uid. */
export function privateSources(spec: CageSpec): Bind[] {
  return [
    { host: spec.runtimeDir, cage: "/opt/hive", mode: "ro" },
    // Read-only: the cage can still connect to sockets, but cannot place a link where the daemon creates a socket.
    { host: spec.socketsDir, cage: "/run/hive", mode: "ro" },
    { host: spec.claudeDir, cage: `${CAGE_HOME}/.claude`, mode: "rw" },
    { host: spec.stateDir, cage: "/state", mode: "rw" },
    { host: spec.workspacesDir, cage: WORKSPACES, mode: "rw" },
    { host: spec.configDir, cage: "/config", mode: "ro" },
    ...spec.extraBinds,
  ];
}

/**
 * Options of bubblewrap for a cage. They are passed through a descriptor, because its command line is visible inside,
 * with the program that it starts. `staged` maps each private source to the path from which it is bound. `filterFd` is
 * the descriptor of the system-call filter. `fileFds` maps each own file to its descriptor.
 */
export function bwrapArguments(
  spec: CageSpec,
  host: HostFacts,
  staged: (index: number) => string,
  filterFd: number,
  fileFds: (index: number) => number,
): string[] {
  const args = ["--unshare-all", "--unshare-user", "--disable-userns", "--new-session", "--cap-drop", "ALL"];
  // With the launcher: its parent is the launcher, not the daemon.
  args.push("--die-with-parent", "--seccomp", String(filterFd));
  args.push("--uid", String(CAGE_UID), "--gid", String(CAGE_UID), "--hostname", `h-${spec.name}`);
  args.push("--ro-bind", "/usr", "/usr");
  for (const path of USR_MERGED) {
    const target = host.linkTarget(path);
    if (target !== undefined) args.push("--symlink", target, path);
    else if (host.exists(path)) args.push("--ro-bind", path, path);
  }
  if (host.exists("/nix/store")) args.push("--ro-bind", "/nix/store", "/nix/store");
  for (const path of ETC_SHARED) if (host.exists(path)) args.push("--ro-bind", path, path);
  ownFiles(spec).forEach((file, index) => args.push("--perms", "0444", "--ro-bind-data", String(fileFds(index)), file.path));
  const share = (part: number): string => String(Math.floor(spec.limits.memoryBytes * part));
  args.push("--proc", "/proc", "--dev", "/dev");
  args.push("--perms", "1777", "--size", share(SHM_SHARE), "--tmpfs", "/dev/shm", "--remount-ro", "/dev");
  args.push("--perms", "1777", "--size", share(TMP_SHARE), "--tmpfs", "/tmp");
  args.push("--perms", "0755", "--tmpfs", "/run", "--perms", "0700", "--dir", CAGE_HOME);
  if (host.exists(NIXOS_SYSTEM)) args.push("--ro-bind", NIXOS_SYSTEM, NIXOS_SYSTEM);
  privateSources(spec).forEach(({ cage, mode }, index) => args.push(mode === "ro" ? "--ro-bind" : "--bind", staged(index), cage));
  // From here on, everything that was created for mount points is read-only.
  args.push("--remount-ro", "/run", "--remount-ro", "/", "--chdir", "/state", "--clearenv");
  for (const [name, value] of Object.entries(spec.env)) args.push("--setenv", name, value);
  return args;
}
