import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { secretIn } from "../inside/secret.ts";
import { python, shell } from "../inside/run.ts";
import { cageRow, type Bait, type CageRow } from "../row.ts";

/** Files of the host, of the hive and of other agents. */

const MOUNTS = "a mount namespace with the agent's own folders";
const READ_ONLY = "read-only mounts";
const MISSING = /ENOENT/;

const fromCage = cageRow("agent", "files");

const read = (path: string): string => readFileSync(path, "utf8");
const list = (path: string): string => readdirSync(path).join(" ");
const write = (path: string): string => {
  writeFileSync(path, "x");
  return `${path} was written`;
};

/** Folders and files that must not be written, with a path to try in each. */
const FIXED: readonly [id: string, what: string, path: string][] = [
  ["usr", "the programs", "/usr/bin/evil"],
  ["etc", "the users", "/etc/passwd"],
  ["root", "the top folder", "/evil"],
  ["config", "its config", "/config/agent.json"],
  ["project", "the approved instructions of its repository", "/run/hive/project/evil"],
  ["harness", "the harness", "/opt/hive/harness/hive-ag3nt.js"],
  ["cli", "the CLI", "/opt/hive/bin/claude"],
  ["run", "the folder of its sockets", "/run/hive/evil"],
  ["dev", "the folder of devices", "/dev/evil"],
  ["home", "its home, with the profile of a shell", "/home/agent/.profile"],
];

/** Paths of the host that must not exist here. */
const HOST: readonly [id: string, what: string, path: (bait: Bait) => string][] = [
  ["host-file", "a file of the operator", ({ hostFile }) => hostFile],
  ["database", "the hive's database", ({ stateDir }) => join(stateDir, "hive.db")],
  ["secrets", "the hive's store of secrets", ({ stateDir }) => join(stateDir, "secrets", "ITEMS_TOKEN")],
  ["log", "the daemon's log", ({ stateDir }) => join(stateDir, "daemon.log")],
  [
    "other-state",
    "a file of another agent",
    ({ stateDir, victim }) => join(stateDir, "agents", victim.id, "state", "secret.txt"),
  ],
  ["other-session", "the sessions of another agent", ({ stateDir, victim }) => join(stateDir, "agents", victim.id, "claude")],
  ["other-config", "the config of another agent", ({ stateDir, victim }) => join(stateDir, "agents", victim.id, "generations")],
  ["host-socket", "the operator's socket", ({ stateDir }) => join(stateDir, "run", "host.sock")],
  ["other-socket", "another agent's socket", ({ stateDir, victim }) => join(stateDir, "run", "agents", victim.name, "mcp.sock")],
  ["other-process", "another cage's process in /proc", ({ victim }) => `/proc/${victim.pid}/environ`],
  ["shadow", "the host's passwords", () => "/etc/shadow"],
  ["machine-id", "the machine's id", () => "/etc/machine-id"],
  ["sys", "the devices of the machine", () => "/sys"],
  ["cgroup", "its cgroup", () => "/sys/fs/cgroup"],
  ["boot", "the host's kernel", () => "/boot"],
  ["media", "disks of the host", () => "/media"],
  ["mnt", "mounts of the host", () => "/mnt"],
  ["srv", "data of the host", () => "/srv"],
  ["docker", "a socket of containers", () => "/var/run/docker.sock"],
  ["dbus", "a socket of the system", () => "/run/dbus/system_bus_socket"],
  ["memory", "the machine's memory", () => "/dev/mem"],
  ["disk", "a disk", () => "/dev/sda"],
  ["kmsg", "the kernel's log", () => "/dev/kmsg"],
  ["vsock-device", "the device of a virtual machine", () => "/dev/vsock"],
  ["fuse", "file systems of its own", () => "/dev/fuse"],
  ["other-shm", "shared memory of another cage", () => "/dev/shm/victim"],
];

export const fileRows: readonly CageRow[] = [
  ...HOST.map(([id, what, path]): CageRow => ({
    ...fromCage(id, `find ${what}`, MOUNTS, MISSING, (bait) => {
      lstatSync(path(bait));
      return path(bait);
    }),
    proof: (world, bait) => {
      const there = path(bait);
      if (!there.startsWith(world.hive.folder)) return "the host may have it";
      // A path that is nowhere would prove nothing.
      lstatSync(there);
      return "it is there";
    },
  })),
  ...FIXED.map(([id, what, path]) => fromCage(`write-${id}`, `change ${what}`, READ_ONLY, /EROFS/, () => write(path))),
  fromCage("through-proc-root", "reach a file of the operator through /proc/1/root", MOUNTS, /ENOENT|EACCES/, ({ hostFile }) =>
    read(`/proc/1/root${hostFile}`),
  ),
  fromCage("through-cwd", "reach the host through the folders of its processes", MOUNTS, MISSING, ({ hostFile }) => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        return read(`/proc/${pid}/cwd/../../../../../../../../..${hostFile}`);
      } catch (error) {
        if (!/ENOENT|EACCES|ESRCH/.test((error as NodeJS.ErrnoException).code ?? "")) throw error;
      }
    }
    throw new Error("ENOENT in every process");
  }),
  fromCage("through-fd", "reach a folder of the host through an inherited descriptor", MOUNTS, /no descriptor leads out/, () => {
    const out: string[] = [];
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        for (const fd of readdirSync(`/proc/${pid}/fd`)) {
          const path = `/proc/${pid}/fd/${fd}/..`;
          try {
            const above = readdirSync(path);
            if (above.includes("boot") || above.includes("hive.db")) out.push(path);
          } catch {
            // Not a folder.
          }
        }
      } catch {
        // The process has ended, or is another user's.
      }
    }
    if (out.length > 0) return out.join(" ");
    throw new Error("no descriptor leads out");
  }),
  fromCage("link-out", "link a path of the host from its own folder", MOUNTS, MISSING, ({ hostFile }) => {
    symlinkSync(hostFile, "/state/link-out");
    try {
      return read("/state/link-out");
    } finally {
      unlinkSync("/state/link-out");
    }
  }),
  fromCage("processes", "see a process of the host", "a /proc of its own", /only processes of this cage/, () => {
    const lines = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        try {
          return [read(`/proc/${pid}/cmdline`).replaceAll("\0", " ")];
        } catch {
          // It has ended.
          return [];
        }
      });
    const foreign = lines.filter((line) => /hive-c0re|vitest|systemd|redteam/.test(line));
    if (foreign.length > 0) return foreign.join(", ");
    throw new Error("only processes of this cage");
  }),
  fromCage("core-pattern", "let the kernel start a program on a crash", READ_ONLY, /EROFS|EACCES|EPERM/, () =>
    write("/proc/sys/kernel/core_pattern"),
  ),
  fromCage("sysctl", "forward packets", READ_ONLY, /EROFS|EACCES|EPERM/, () => write("/proc/sys/net/ipv4/ip_forward")),
  fromCage("sysrq", "press the kernel's keys", READ_ONLY, /EROFS|EACCES|EPERM|ENOENT/, () => write("/proc/sysrq-trigger")),
  fromCage("oom-score", "save itself from the memory limit", "no capabilities", /EACCES|EPERM/, () => {
    writeFileSync("/proc/self/oom_score_adj", "-1000");
    return "it was written";
  }),
  fromCage("keys", "list the kernel's keys", MOUNTS, /ENOENT|EACCES|no keys/, () => {
    const keys = read("/proc/keys").trim();
    if (keys === "") throw new Error("no keys");
    return keys;
  }),
  fromCage("kernel-memory", "read the kernel's memory", MOUNTS, /ENOENT|EACCES|EPERM/, () => read("/proc/kcore").slice(0, 10)),
  fromCage("unlink-socket", "remove a socket", READ_ONLY, /EROFS/, () => {
    unlinkSync("/run/hive/mcp.sock");
    return "it was removed";
  }),
  fromCage("replace-socket", "put a link in the place of a socket", READ_ONLY, /EROFS/, () => {
    renameSync("/run/hive/model.sock", "/run/hive/old.sock");
    symlinkSync("/etc/passwd", "/run/hive/model.sock");
    return "it was replaced";
  }),
  fromCage("cover-socket", "make a folder where the daemon makes a socket", READ_ONLY, /EROFS/, () => {
    mkdirSync("/run/hive/host.sock");
    return "it was made";
  }),
  fromCage("sockets", "find a socket besides its own four", MOUNTS, /its own four/, () => {
    const found = readdirSync("/run/hive").filter((name) => name.endsWith(".sock"));
    if (found.sort().join(" ") === "egress.sock git.sock mcp.sock model.sock") throw new Error("its own four");
    return found.join(" ");
  }),
  fromCage("run-others", "find what others keep in /run", MOUNTS, /only hive/, () => {
    if (list("/run") === "hive") throw new Error("only hive");
    return list("/run");
  }),
  fromCage("homes", "find the home of a user", MOUNTS, /only its own/, () => {
    if (list("/home") === "agent") throw new Error("only its own");
    return list("/home");
  }),
  fromCage("root-home", "read root's home", MOUNTS, /ENOENT|EACCES/, () => list("/root")),
  fromCage("sysv", "find shared memory of another cage", "an ipc namespace of its own", MISSING, () =>
    python("call(29, 194, 0x68697665, 64, 0)"),
  ),
  fromCage("message-queue", "find a message queue of another cage", "an ipc namespace of its own", MISSING, () =>
    python("call(68, 186, 0x68697665, 0)"),
  ),
  fromCage("remount", "make the config writable", "no capabilities", /permission|must be superuser|not permitted/i, () =>
    shell("mount -o remount,rw /config 2>&1 | head -1 >&2; exit 1"),
  ),
  {
    ...fromCage(
      "credential",
      "find the hive's credential in a file, an environment or the memory of a process",
      "the gateway adds it outside",
      /nothing in/,
      (bait) => secretIn(bait, "secretBackwards"),
    ),
    alone: true,
    async proof(world) {
      const leaks = await world.secretOutside();
      if (leaks.length > 0) throw new Error(`the credential is in ${leaks.join(", ")}`);
      return "nor in a log, an event, the database or another cage's log; only the upstream gets it";
    },
  },
];
