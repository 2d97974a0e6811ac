import type { Feed } from "../eventlog/feed.ts";
import type { Repos } from "../config-repos/types.ts";
import type { MountOwners } from "../store/approvals.ts";
import type { Paths } from "../lib/paths.ts";
import type { Platform } from "../platforms/platform.ts";
import type { Store } from "../store/store.ts";
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

/** One mount of a request, as it was tried on this host. */
export interface MountTrial {
  mount: AgentConfig["mounts"][number];
  /** Why it cannot work; undefined when it does. */
  problem: string | undefined;
  /** Whom the agent acts as there, through an id map; undefined when it is itself. */
  owner?: MountOwners[string] | undefined;
}

/** Mounts on this host. */
export interface HostMounts {
  /**
   * Tries mounts from inside a cage that runs as the agent, or as a new one would. Id maps are chosen where they are
   * needed, or with `approved`, are those and no others.
   */
  tryAll(agent: Agent | undefined, mounts: AgentConfig["mounts"], approved?: MountOwners): Promise<MountTrial[]>;
  /** The name of a user of this host; undefined where it has none. */
  userName(uid: number): Promise<string | undefined>;
}

/**
 * What deploys act on. Failures in here are of three kinds: a `HiveError` is for whoever asked, a `RepoRefusal` is for
 * whoever proposed, and anything else fails the deploy with its words.
 */
export interface DeployContext {
  store: Store;
  feed: Pick<Feed, "publish">;
  repos: Repos;
  broker: Pick<Broker, "checkMayAsk" | "tellFromSystem">;
  swarm: Swarm;
  commands: Pick<AgentCommands, "discardDraft">;
  cages: Pick<Cages, "whereabouts" | "trial" | "back" | "clear">;
  harnesses: Pick<Harnesses, "serve" | "hold" | "unhold" | "isBusy" | "unparkFrom">;
  confirmations: Pick<Confirmations, "expect">;
  /** Revision of hyperhive that new generations run with. */
  revision: string;
  /** How long a new generation may take to confirm. Milliseconds. */
  confirmMs: number;
  paths: Pick<Paths, "agent" | "buildLog">;
  platform: Pick<Platform, "build">;
  review: Pick<Review, "validate" | "shown" | "risks">;
  mounts: HostMounts;
  /** Specifies a cage without starting it. Throws if it cannot be specified: a mount does not exist, for example. */
  specs: { of(agent: Agent): Promise<unknown> };
  bus: Pick<AgentBus, "on" | "emit">;
  /** A named place between two steps: does nothing, except in tests that arm it. */
  failpoint(name: string): Promise<void>;
  /** Says what has happened to agents. */
  announcements: Pick<Announcements, "announce" | "announceEnd">;
  allStop: Pick<AllStop, "isOn" | "check" | "afterDeploy">;
  /** After a failure: true if the disk is full. What is set aside is then freed. */
  disk: { after(error: unknown): boolean };
  onUnexpected(error: unknown): void;
  now(): number;
}
