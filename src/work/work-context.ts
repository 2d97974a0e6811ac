import type { AgentBus } from "../agents/events.ts";
import type { Agent } from "../agents/agent.ts";
import type { Cages } from "../agents/cages.ts";
import type { Swarm } from "../agents/swarm.ts";
import type { Feed } from "../eventlog/feed.ts";
import type { Paths } from "../lib/paths.ts";
import type { Broker } from "../messages/broker.ts";
import type { Driver, Identity } from "../platforms/port.ts";
import type { Store } from "../store/store.ts";
import { HiveError } from "../wire/error.ts";
import type { Declared } from "./declared.ts";
import type { GitWorker } from "./git/worker.ts";
import type { Credentials } from "./remote/credentials.ts";
import type { Net } from "./remote/dial.ts";
import type { Rehearsed } from "./rehearsed/port.ts";

/** The parts of the hive that work on repositories uses. */
export interface WorkContext {
  store: Store;
  feed: Pick<Feed, "publish">;
  bus: Pick<AgentBus, "emit">;
  broker: Pick<Broker, "notify" | "checkMayAsk">;
  agents: Pick<Swarm, "all" | "byId" | "byName" | "find" | "allWithDestroyed" | "everyone">;
  paths: Pick<Paths, "repoScratch" | "changeLog" | "checks" | "agent">;
  git: GitWorker;
  declared: Declared;
  /** How upstreams on other hosts are reached, and the credentials for them. */
  net: Net;
  credentials: Credentials;
  /** Those for the APIs of forges, where they are others. */
  forgeCredentials: Credentials;
  /** The host that the tour's repository follows, in this process. */
  rehearsed: Rehearsed;
  cages: Pick<Cages, "without">;
  /** Runs checks, each in a cage of its own. */
  driver: Driver;
  /** Opens a proxy to the named hosts for the cage of a check. Only the cage's identity may connect to it. */
  openEgress(socket: {
    path: string;
    identity: Identity;
    id: string;
    hosts: readonly string[];
    onRecord(record: { host: string; port: number; verdict: string }): void;
  }): Promise<{ close(): Promise<void> }>;
  hiveId: string;
  /** What branches of the hive's own begin with on other hosts, without a slash at its end. */
  branchPrefix: string;
  runtime: { revision: string; dir: string };
  /** Called at a named point between two steps. Does nothing, except in tests that set it. */
  failpoint(name: string): Promise<void>;
  /** Checks the disk after a failure. Returns true if it is full, after freeing the reserve. */
  disk: {
    checkAfter(error: unknown): boolean;
    /** The disk is nearly full: nothing new is taken in. */
    readonly low: boolean;
  };
  onUnexpected(error: unknown): void;
  now(): number;
}

/** Throws if an agent has been destroyed. A call or a push that it began may still be at work. */
export function checkAlive({ agents }: Pick<WorkContext, "agents">, agent: string): void {
  const found = agents.byId(agent);
  if (found?.destroyed) throw new HiveError("forbidden", `${found.name} was destroyed`);
}

/** What an agent may do with a repository, by its deployed config. Undefined: nothing. */
export function accessOf(agent: Agent, repo: string): "read" | "write" | undefined {
  return agent.config.repos.find(({ name }) => name === repo)?.access;
}
