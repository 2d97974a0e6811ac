/** A folder or file of the host that is bound in a container. Both paths have no character that a shell or nspawn reads. */
export interface ContainerBind {
  source: string;
  target: string;
  mode: "ro" | "rw";
}

/** What the configuration of a container says. All of it is the helper's own, or checked by it. */
export interface ContainerConf {
  /** The system that it boots, a path of the store. */
  system: string;
  hostname: string;
  /** The first of the 65,536 host uids of its users. */
  firstUid: number;
  binds: readonly ContainerBind[];
  memoryBytes: number;
}

/**
 * Shares of the memory limit for files in memory, as in every cage: a quarter is left for programs, so a full /tmp is an
 * error for the writer, not the end of the cage.
 */
const [TMP_SHARE, SHM_SHARE] = [1 / 2, 1 / 4];
/** What a container's system may keep in memory in a folder that is hidden. */
const HIDDEN_BYTES = 64 * 1024;
/** Bytes of /var/tmp, which programs of NixOS expect. */
const VAR_TMP_BYTES = 1024 * 1024;

/** Capabilities of root in the container's user namespace that no system of an agent needs. */
const DROPPED = [
  "CAP_AUDIT_CONTROL",
  "CAP_AUDIT_WRITE",
  "CAP_LEASE",
  "CAP_MKNOD",
  "CAP_NET_ADMIN",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_BROADCAST",
  "CAP_NET_RAW",
  "CAP_SYS_TTY_CONFIG",
];
/** System calls that no namespace contains. The harness and its programs have the filter of every cage besides. */
const REFUSED_CALLS = [
  "@keyring",
  "@obsolete",
  "@raw-io",
  "@module",
  "@clock",
  "bpf",
  "perf_event_open",
  "userfaultfd",
  "io_uring_setup",
];

/** A word of the command of systemd-nspawn, which a shell splits at spaces and expands. */
const WORD = /^[A-Za-z0-9@%~+=,:._/-]+$/;

/**
 * The text of `/etc/nixos-containers/<name>.conf`, a file of variables for the start script of NixOS. The same for the
 * same facts. It undoes what that script does by default: a network, the root of the host, the socket of the host's Nix
 * daemon, profiles that the container can write and the host reads, settings that others have left. Throws if a value
 * would not arrive as it is.
 */
export function containerConf({ system, hostname, firstUid, binds, memoryBytes }: ContainerConf): string {
  const share = (part: number): number => Math.floor(memoryBytes * part);
  const flags = [
    // Files in /run/systemd/nspawn and /etc/systemd/nspawn are others'.
    "--settings=no",
    // The root of the container is on disk as root's: with an id map, not by changing owners.
    "--private-users-ownership=map",
    "--no-new-privileges=yes",
    `--drop-capability=${DROPPED.join(",")}`,
    // Given once for each, so that no word has a space.
    ...REFUSED_CALLS.map((call) => `--system-call-filter=~${call}`),
    `--hostname=${hostname}`,
    // The host's journal would read files of the container.
    "--link-journal=no",
    // The container builds nothing, and must not ask the host's Nix daemon.
    "--inaccessible=/nix/var/nix/daemon-socket",
    "--inaccessible=/nix/var/nix/db",
    // The start script binds the host's folders here, writable. Its own files in them would be root's on the host.
    ...["profiles", "gcroots"].map((name) => `--tmpfs=/nix/var/nix/${name}:mode=755,size=${HIDDEN_BYTES}`),
    `--tmpfs=/tmp:mode=1777,size=${share(TMP_SHARE)}`,
    `--tmpfs=/dev/shm:mode=1777,size=${share(SHM_SHARE)}`,
    `--tmpfs=/var/tmp:mode=1777,size=${VAR_TMP_BYTES}`,
    ...binds.map(({ source, target, mode }) => `--bind${mode === "ro" ? "-ro" : ""}=${source}:${target}`),
  ];
  for (const word of [system, ...flags])
    if (!WORD.test(word)) throw new Error(`not a word of a container's configuration: ${JSON.stringify(word)}`);
  return `# Written by hive-w4rden at each start.
AUTO_START=0
PRIVATE_NETWORK=1
PRIVATE_USERS=${firstUid}
SYSTEM_PATH=${system}
EXTRA_NSPAWN_FLAGS=${flags.join(" ")}
`;
}
