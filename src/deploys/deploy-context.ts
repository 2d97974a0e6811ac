import type { Feed } from "../eventlog/feed.ts";
import type { Repos } from "../config-repos/types.ts";
import type { MountOwners } from "../store/approvals.ts";
import type { Paths } from "../lib/paths.ts";
import type { Platform } from "../platforms/platform.ts";
import type { Store } from "../store/store.ts";
import type { Sha, TreeFile } from "../wire/approval.ts";
import type { AgentConfig } from "../wire/config.ts";
import type { Agent } from "../agents/agent.ts";
import type { Announcements } from "../messages/announcements.ts";
import type { Broker } from "../messages/broker.ts";
import type { AllStop } from "../agents/all-stop.ts";
import type { Cages } from "../agents/cages.ts";
import type { AgentCommands } from "../agents/commands.ts";
import type { AgentBus } from "../agents/events.ts";
import type { Harnesses } from "../agents/harnesses.ts";
import type { Swarm } from "../agents/swarm.ts";
import type { Confirmations } from "./confirmations.ts";
import type { Review } from "./review.ts";

/** A mount of a request, as tried on this host. */
export interface MountTrial {
  mount: AgentConfig["mounts"][number];
  /** Why it cannot work. Undefined if it works. */
  problem: string | undefined;
  /** The owner as whom the agent acts there through an id map. Undefined if it acts as itself. */
  owner?: MountOwners[string] | undefined;
}

/** Tries mounts on this host. */
export interface HostMounts {
  /**
   * Tries mounts in a cage that runs as the agent, or as a new one would. Chooses id maps where they are needed. With
   * `approved`, uses exactly those.
   */
  tryAll(agent: Agent | undefined, mounts: AgentConfig["mounts"], approved?: MountOwners): Promise<MountTrial[]>;
  /** The name of a user of this host. Undefined if the uid has none. */
  userName(uid: number): Promise<string | undefined>;
}

/** The repositories of the hive, as far as configs name them. */
export interface AgentRepositories {
  /** The complaints about the repositories of an agent's config. Empty if it can work on all of them. */
  complaints(agentName: string, repos: AgentConfig["repos"]): string[];
  /** The repositories of a config that the hive does not have, or has only since after that moment. */
  newerThan(at: number, repos: AgentConfig["repos"]): string[];
  /**
   * The instructions that a config follows, as they are now: the commits at which they were read, and their files, each
   * in the folder of its repository. Throws `bad_request` if they cannot be taken.
   */
  project(repos: AgentConfig["repos"]): Promise<{ from: Record<string, Sha>; files: TreeFile[] }>;
}

/**
 * The parts that deploys use. They fail in three ways: a `HiveError` is for the caller, a `RepoRefusal` is for the
 * author of the proposal, and any other error fails the deploy with its message.
 */
export interface DeployContext {
  store: Store;
  feed: Pick<Feed, "publish">;
  repos: Repos;
  broker: Pick<Broker, "checkMayAsk" | "notify">;
  swarm: Swarm;
  commands: Pick<AgentCommands, "discardDraft">;
  cages: Pick<Cages, "whereabouts" | "trial" | "restore" | "clear">;
  harnesses: Pick<Harnesses, "serve" | "hold" | "unhold" | "isBusy" | "unparkFrom">;
  confirmations: Pick<Confirmations, "expect">;
  /** The revision of hyperhive that new generations run with. */
  revision: string;
  /** How long a new generation may take to confirm. Milliseconds. */
  confirmMs: number;
  /** Whether stale agents are rebuilt without being asked. */
  autoUpdate: boolean;
  paths: Pick<Paths, "agent" | "buildLog">;
  platform: Pick<Platform, "build" | "isBuilt" | "evaluate" | "complaints" | "evaluatesNix">;
  review: Pick<Review, "validate" | "shown" | "risks">;
  mounts: HostMounts;
  /** Checks the repositories that a config names. */
  repositories: AgentRepositories;
  /** The complaints about the secrets that a config uses. */
  secrets: { complaints(config: AgentConfig): string[] };
  /** The complaints about the credential that a config names. */
  credentials: { complaints(config: AgentConfig): string[] };
  /** Specifies a cage without starting it. Throws if it cannot be specified: a mount does not exist, for example. */
  specs: { of(agent: Agent): Promise<unknown> };
  bus: Pick<AgentBus, "on" | "emit">;
  /** Called at a named point between two steps. Does nothing, except in tests that set it. */
  failpoint(name: string): Promise<void>;
  /** Announces events of agents. */
  announcements: Pick<Announcements, "announce" | "announceEnd">;
  allStop: Pick<AllStop, "isOn" | "check" | "afterDeploy">;
  /** Checks the disk after a failure. Returns true if it is full, after freeing the reserve. */
  disk: { checkAfter(error: unknown): boolean };
  onUnexpected(error: unknown): void;
  now(): number;
}
