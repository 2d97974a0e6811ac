import type { MetaRepo, RepoPaths } from "../config-repos/types.ts";
import type { SandboxedRun } from "../os/sandboxed-run.ts";
import type { Sha } from "../wire/approval.ts";
import type { AgentConfig } from "../wire/config.ts";
import type { NixStore } from "../os/nix/nix-sandbox.ts";
import type { ContainerHelper } from "./nixos/driver.ts";
import type { Driver } from "./port.ts";

/** What a platform may use of its hive and its host. Each platform takes what it needs. */
export interface PlatformHost {
  hiveId: string;
  paths: Pick<RepoPaths, "meta" | "applied" | "scratch">;
  /** Root's helper for containers. Undefined if root has not started one. */
  containers?: ContainerHelper | undefined;
  /** Folders of flakes: hyperhive's own, and those that replace its inputs, by name. */
  flake?: { folder: string; inputs: Readonly<Record<string, string>> } | undefined;
  /** The store into which systems are built. By default the host's. */
  store?: NixStore;
}

/**
 * A way to run agents and to lock what runs. `HIVE_DRIVER` names one; `open.ts` is the only place that chooses. Each
 * part has a contract and a conformance suite: `port.ts` with `conformance.ts` for cages, `MetaRepo` with
 * `ledger-conformance.ts` for the deploy ledger.
 */
export interface Platform {
  /** Runs the cages of agents. */
  readonly driver: Driver;
  /** Runs cages that are no agent's, for one command each: checks of changes, and the log-in to the model. By default `driver`. */
  readonly sideDriver?: Driver;
  /** Opens the deploy ledger in the folder `meta`. It is created in `scratch`. */
  readonly ledger: (paths: Pick<RepoPaths, "meta" | "applied" | "scratch">) => MetaRepo;
  /**
   * Builds what a candidate of the ledger locks, before anything that runs is touched. Called again after a crash, it
   * ends in the same state. It may take minutes. Rejects with a text for the operator if the build fails, and as soon
   * as `signal` aborts; by then it has ended every process that it started.
   */
  readonly build: (candidate: BuildCandidate, options: BuildOptions) => Promise<void>;
  /** What a valid config wants that cages of this platform cannot have. Asked before the operator is, and before a deploy. */
  readonly complaints?: (config: Pick<AgentConfig, "mounts">) => string[];
  /**
   * Tries a config before the operator is asked: it can be locked, its code can be evaluated, and makes what was proposed.
   * Throws a `RepoRefusal` with the complaint, and `rate_limited` if too much of an agent waits to be tried. Absent where a config has no code.
   */
  readonly evaluate?: (config: ProposedConfig) => Promise<void>;
  /** Whether what `build` makes of a generation is there. Another platform may have deployed it. */
  readonly isBuilt: (generation: string) => boolean;
  /** Runs one program on one foreign folder, in a sandbox that ends with it. */
  readonly sandboxedRun: SandboxedRun;
  /** Configs may contain Nix expressions, which the build evaluates. */
  readonly evaluatesNix: boolean;
}

/** A config that is proposed. */
export interface ProposedConfig {
  agent: string;
  /** Who proposes it. */
  by: string;
  /** Makes the commit of the ledger that would lock it. */
  lock(): Promise<Sha>;
  /** Its agent.json. */
  agentJson: string;
  /** Ends the trial. By default it ends by itself. */
  signal?: AbortSignal;
}

/** What a deploy wants to run. */
export interface BuildCandidate {
  agent: string;
  /** The request that the deploy carries out: the name of its generation. */
  request: number;
  /** The generation's folder, with the files that were approved. */
  folder: string;
  /** The commit of the ledger that would lock it. Nothing names it yet. */
  candidate: Sha;
}

export interface BuildOptions {
  signal: AbortSignal;
  /** Takes the next lines of the build's output, for the operator to follow. */
  log(text: string): void;
}
