import type { Feed } from "../eventlog/feed.ts";
import type { FileChange, Repos } from "../config-repos/types.ts";
import type { ApprovalRecord } from "../store/approvals.ts";
import type { MountOwners } from "../store/approvals.ts";
import type { Store } from "../store/store.ts";
import type { DiffFile, RiskMark, TreeFile } from "../wire/approval.ts";
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
import type { RulesOf } from "./validate.ts";

/** One mount of a request, as it was tried on this host. */
export interface MountTrial {
  mount: AgentConfig["mounts"][number];
  /** Why it cannot work; undefined when it does. */
  problem: string | undefined;
  /** Whom the agent acts as there, through an id map; undefined when it is itself. */
  owner?: MountOwners[string] | undefined;
}

/**
 * What deploys act on. Failures in here are of three kinds: a `HiveError` is for whoever asked, a `RepoRefusal` is for
 * whoever proposed, and anything else fails the deploy with its words.
 */
export interface DeployContext {
  store: Store;
  feed: Feed;
  repos: Repos;
  broker: Broker;
  swarm: Swarm;
  commands: Pick<AgentCommands, "discardDraft">;
  cages: Cages;
  harnesses: Harnesses;
  confirmations: Confirmations;
  /** Revision of hyperhive that new generations run with. */
  revision: string;
  /** How long a new generation may take to confirm. Milliseconds. */
  confirmMs: number;
  /** What is wrong with a config tree, in words for whoever proposed it; empty when it can be deployed. */
  validate(files: readonly TreeFile[], rules: RulesOf): string[];
  /** A change as the operator sees it. */
  shown(changes: readonly FileChange[], head: readonly TreeFile[]): DiffFile[];
  /** What the operator should not miss in a change. */
  risks(change: { base: readonly TreeFile[] | undefined; head: readonly TreeFile[]; diff: readonly DiffFile[] }): RiskMark[];
  /** The folder of one generation of an agent. */
  generationFolder(agent: Agent, generation: number): string;
  /**
   * Tries mounts from inside a cage that runs as the agent, or as a new one would. Id maps are chosen where they are
   * needed, or with `approved`, are those and no others.
   */
  tryMounts(agent: Agent | undefined, mounts: AgentConfig["mounts"], approved?: MountOwners): Promise<MountTrial[]>;
  /** The name of a user of this host; undefined where it has none. */
  userName(uid: number): Promise<string | undefined>;
  /** Throws when no cage could be specified for the agent as it would be: a mount that is not there, for one. */
  checkSpec(agent: Agent): Promise<void>;
  /** The last lines of an agent's cage log, for the words of a failure. */
  logTail(agent: Agent): Promise<string>;
  /** After a deploy: the readers' copy of the ledger, and generations that nothing needs any more. */
  leftover(agent: Agent, row: ApprovalRecord): Promise<void>;
  bus: AgentBus;
  /** A named place between two steps: does nothing, except in tests that arm it. */
  failpoint(name: string): Promise<void>;
  /** Says what has happened to agents. */
  announcements: Announcements;
  allStop: Pick<AllStop, "isOn" | "check" | "afterDeploy">;
  /** After a failure: true if the disk is full. What is set aside is then freed. */
  disk: { after(error: unknown): boolean };
  onUnexpected(error: unknown): void;
  now(): number;
}
