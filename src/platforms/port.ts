import type { Ids } from "../os/id-map.ts";
import type { ProcessId } from "../os/process-id.ts";

/**
 * The driver port: what a kind of container must provide to run a cage. One suite (`conformance.ts`) checks this
 * contract for every driver:
 *
 * - **Isolation is never weakened.** If the cage cannot be built, the driver throws a `CageError` that says what to
 *   install or enable. Limits may degrade; `cannot()` reports it.
 * - Inside: exactly `argv` with exactly `env`, an unprivileged uid that is never the host's root, no capabilities, no
 *   new privileges, its own namespaces, no network but loopback, only the system calls of `src/os/seccomp/policy.ts`;
 *   `runtimeDir` at /opt/hive and `configDir` at /config read-only; `stateDir` at /state (the working folder),
 *   `workspacesDir` at /work and `claudeDir` at ~/.claude writable; `socketsDir` at /run/hive; `extraBinds` as they specify; nothing else of the
 *   host but its programs.
 * - A bind with an `owner` is id-mapped: files of the owner on the host belong to the identity in the cage, and files
 *   that the cage creates there belong to the owner on the host. Such a cage cannot set set-group-ID bits. If the host
 *   has no id maps, or the folder belongs to another user by then, the driver throws a `CageError`.
 * - Files that the cage writes belong to `identity` on the host. An identity is assigned once and never reused.
 * - A cage outlives the daemon. `adopt` finds it from `cageDir` alone, in another process, after any crash.
 * - Files in memory are bounded below `limits.memoryBytes`. `logFile` and `<logFile>.1` keep the newest standard output
 *   and error of the cage, each at most `LOG_BYTES`, even while there is no daemon.
 * - When its program ends, every process of the cage ends. By then all its output is in the log.
 * - `kill` resolves when no process, mount or group of the cage remains. `exited` resolves exactly once, however the
 *   cage ended.
 */
export interface Driver {
  readonly name: string;
  /** What the driver cannot do on this host, in words for the operator. */
  cannot(): string[];
  /**
   * The host identity of the nth agent that a hive ever created. Two hives never share one if the host can prevent it.
   */
  identityFor(hiveId: string, ordinal: number): Identity;
  /** Creates the cage's folders with their owners. Idempotent. */
  prepare(spec: CageSpec): Promise<void>;
  /** Starts a cage. Resolves once its first process runs. */
  start(spec: CageSpec): Promise<Running>;
  /** A cage that outlived the daemon, or null. Removes what is left of a dead one. */
  adopt(spec: Pick<CageSpec, "cageDir" | "hiveId" | "agentId">): Promise<Running | null>;
  /** What the system in the cage has logged last, besides its program. Absent where a cage boots no system. */
  systemLog?(place: Pick<CageSpec, "hiveId" | "agentId">, lines: number): Promise<string[]>;
  /** The same, then what it logs from now on, as it comes, until `signal` aborts. A reader that is slow slows what prints. */
  followSystemLog?(place: Pick<CageSpec, "hiveId" | "agentId">, lines: number, signal: AbortSignal): AsyncIterable<string[]>;
  /** Removes the driver's data about a destroyed agent. */
  destroy(spec: Pick<CageSpec, "cageDir" | "hiveId" | "agentId">): Promise<void>;
}

export type Identity = { kind: "host-uid"; uid: number; gid: number } | { kind: "user-namespace"; uid: number; gid: number };

/** A folder of the host that appears in the cage. */
export interface Bind {
  host: string;
  cage: string;
  mode: "ro" | "rw";
  /** The folder's owner on the host. The cage writes there as this user. */
  owner?: Ids | undefined;
  /** A mount of the agent's config, outside of the hive's folders. */
  isOutside?: boolean;
  /** Where root has bound the folder for us, with its id map if it has an owner. The driver uses it as it is. */
  boundAt?: string;
}

/**
 * Everything that a driver needs to know about a cage, as plain data. Host paths are absolute and free of symbolic
 * links.
 */
export interface CageSpec {
  hiveId: string;
  /** Permanent. A name may be reassigned to another agent. */
  agentId: string;
  name: string;
  role: "manager" | "agent";
  generation: number;
  revision: string;
  runtimeDir: string;
  /** Bound as a folder, so that sockets of a new daemon appear in a running cage. */
  socketsDir: string;
  claudeDir: string;
  stateDir: string;
  /** The agent's clones of repositories. */
  workspacesDir: string;
  configDir: string;
  extraBinds: Bind[];
  /** The driver's own notes. No other code writes there. */
  cageDir: string;
  logFile: string;
  /** The complete environment. */
  env: Record<string, string>;
  /** Paths inside the cage. */
  argv: string[];
  limits: { memoryBytes: number; cpuPercent: number; pids: number };
  identity: Identity;
}

/** How a cage ended. */
export interface CageExit {
  code: number | null;
  signal?: string;
  /** In words, if the code alone would mislead. */
  reason?: string;
}

/** A running cage. */
export interface Running {
  /** The first process of its pid namespace. Killing it ends every process of the cage. */
  readonly init: ProcessId;
  readonly exited: Promise<CageExit>;
  kill(): Promise<void>;
  /** Resident memory of the whole cage, if the host reports it. */
  memoryBytes(): number | undefined;
}

/** The cage could not be built. The message says what to do. */
export class CageError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CageError";
  }
}
