import type { Ids } from "../os/id-map.ts";
import type { ProcessId } from "../os/process-id.ts";

/**
 * The driver port: what a kind of container must do to hold a cage. Written contract, kept by every driver and checked
 * by one suite (`conformance.ts`):
 *
 * - **Isolation is never weakened.** What cannot be built is a `CageError` that says what to install or enable. Limits
 *   may degrade; `cannot()` says so.
 * - Inside: exactly `argv` with exactly `env`, an unprivileged uid that is never the host's root, no capabilities, no
 *   new privileges, namespaces of its own, no network but loopback, the system calls of `src/os/seccomp/policy.ts` and
 *   no other; `runtimeDir` at /opt/hive and `configDir` at
 *   /config read-only; `stateDir` at /state (the working folder) and `claudeDir` at ~/.claude writable; `socketsDir`
 *   at /run/hive; `extraBinds` as they say; nothing else of the host but its programs.
 * - A bind with an `owner` is id-mapped: what belongs to the owner on the host belongs to the identity in the cage, and
 *   files that the cage makes there belong to the owner on the host. Such a cage can set no set-group-ID bit. Where the
 *   host has no id maps, or the folder belongs to another user by then, it is a `CageError`.
 * - Files that the cage writes belong to `identity` on the host. An identity is given once and never reused.
 * - A cage outlives the daemon. `adopt` finds it again from `cageDir` alone, in another process, after any crash.
 * - Files in memory are bounded below `limits.memoryBytes`. `logFile` and `<logFile>.1` hold the newest of what the cage
 *   writes to its standard output and error, each at most `LOG_BYTES`, also while there is no daemon.
 * - The end of its program is the end of every process of the cage. All that it wrote is in the log then.
 * - `kill` resolves when no process, mount or group of the cage is left. `exited` resolves exactly once, however it
 *   ended.
 */
export interface Driver {
  readonly name: string;
  /** What it cannot do on this host, in words for the operator. */
  cannot(): string[];
  /** Who the nth agent of all time of a hive is on the host. Two hives never share one where the host can help it. */
  identityFor(hiveId: string, ordinal: number): Identity;
  /** Makes the cage's folders with their owners. Idempotent. */
  prepare(spec: CageSpec): Promise<void>;
  /** Starts a cage; resolves once its first process runs. */
  start(spec: CageSpec): Promise<Running>;
  /** A cage that outlived the daemon, or null. Leftovers of one that did not are removed. */
  adopt(spec: Pick<CageSpec, "cageDir" | "hiveId" | "agentId">): Promise<Running | null>;
  /** Removes what the driver keeps of an agent that is destroyed. */
  destroy(spec: Pick<CageSpec, "cageDir" | "hiveId" | "agentId">): Promise<void>;
}

export type Identity = { kind: "host-uid"; uid: number; gid: number } | { kind: "user-namespace"; uid: number; gid: number };

/** A folder of the host that appears in the cage. */
export interface Bind {
  host: string;
  cage: string;
  mode: "ro" | "rw";
  /** The folder's owner on the host, as whom the cage writes there. */
  owner?: Ids | undefined;
}

/** Everything a driver needs to know of a cage: plain data. Host paths are absolute and free of symbolic links. */
export interface CageSpec {
  hiveId: string;
  /** Immutable; a name may pass to another agent. */
  agentId: string;
  name: string;
  role: "manager" | "agent";
  generation: number;
  revision: string;
  runtimeDir: string;
  /** Bound as a folder, so that sockets which a new daemon makes appear in a running cage. */
  socketsDir: string;
  claudeDir: string;
  stateDir: string;
  configDir: string;
  extraBinds: Bind[];
  /** The driver's own notes; nobody else writes there. */
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
  /** In words, where the code alone would mislead. */
  reason?: string;
}

/** A cage that runs. */
export interface Running {
  /** The first process of its pid namespace: killing it ends every process of the cage. */
  readonly init: ProcessId;
  readonly exited: Promise<CageExit>;
  kill(): Promise<void>;
  /** Resident memory of the whole cage, where the host tells. */
  memoryBytes(): number | undefined;
}

/** The cage could not be built. The message says what to do. */
export class CageError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CageError";
  }
}
