import { hivectl } from "../lib/hivectl.ts";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import type { Identity } from "../platforms/port.ts";
import type { AgentRecord } from "../store/agents.ts";
import { HiveError, unknownAgent } from "../wire/error.ts";
import { instant } from "../wire/instant.ts";
import { MAX_AGENTS } from "../wire/limits.ts";
import { MANAGER } from "../wire/names.ts";
import type { Output } from "../wire/operations.ts";
import type { Paths } from "../lib/paths.ts";
import { Agent } from "./agent.ts";
import { readConfigTree, treeBytes } from "./config-tree.ts";

/** The storage that the swarm needs. Each write resolves when it is on stable storage. */
export interface AgentStore {
  all(): AgentRecord[];
  /**
   * Stores a new agent. Its uid comes from its ordinal, a number that no agent has had before. The write itself counts
   * the ordinal, so two agents that are created at the same time never get the same one.
   */
  insert(make: (ordinal: number) => AgentRecord): Promise<AgentRecord>;
  update(id: string, patch: Partial<AgentRecord>): Promise<void>;
}

export interface SwarmDeps {
  store: AgentStore;
  paths: Paths;
  /** The host identity for this ordinal. */
  identities: { identityFor(ordinal: number): Identity };
  now(): number;
}

/** Every agent of the hive: live ones, destroyed ones, and drafts. */
export class Swarm {
  readonly #deps: SwarmDeps;
  readonly #byId = new Map<string, Agent>();
  readonly #byName = new Map<string, Agent>();
  /** Agents whose first deploy is running, by name. The value is undefined while the draft is being stored. */
  readonly #drafts = new Map<string, Agent | undefined>();

  constructor(deps: SwarmDeps) {
    this.#deps = deps;
    for (const record of deps.store.all()) this.#enter(record);
  }

  #enter(record: AgentRecord): Agent {
    const tree = readConfigTree(this.#deps.paths.agent(record.id).generation(record.generation));
    const agent = new Agent(record, tree, this.#deps.now());
    this.#byId.set(record.id, agent);
    if (agent.isDraft) {
      this.#drafts.set(record.name, agent);
      return agent;
    }
    // A purged name may have been taken by a new agent, which keeps it.
    const holder = this.#byName.get(record.name);
    if (!holder || holder.destroyed) this.#byName.set(record.name, agent);
    return agent;
  }

  byId(id: string): Agent | undefined {
    return this.#byId.get(id);
  }

  /** The live agent of that name. Throws `unknownAgent` if there is none. */
  byName(name: string): Agent {
    const agent = this.#byName.get(name);
    if (!agent || agent.destroyed) throw unknownAgent(name);
    return agent;
  }

  find(name: string): Agent | undefined {
    return this.#byName.get(name);
  }
  manager(): Agent | undefined {
    return this.find(MANAGER);
  }

  /** The agent of that name, live or destroyed. */
  byNameEvenDestroyed(name: string): Agent {
    const agent = this.#byName.get(name);
    if (!agent) throw unknownAgent(name);
    return agent;
  }

  /** The live agents: the manager first, then by name. */
  all(): Agent[] {
    return [...this.#byId.values()]
      .filter((agent) => !agent.destroyed && !agent.isDraft)
      .sort((a, b) => Number(b.role === "manager") - Number(a.role === "manager") || a.name.localeCompare(b.name));
  }

  /** Live and destroyed agents, for pages that show both. */
  allWithDestroyed(): Agent[] {
    return [...this.#byName.values()];
  }

  /** Every agent that has a folder or had one: live, destroyed and purged ones, and drafts. */
  everyone(): Agent[] {
    return [...this.#byId.values()];
  }

  /** Throws if a new agent cannot have this name. A destroyed agent of that name is not replaced silently. */
  checkFree(name: string): void {
    const holder = this.#byName.get(name);
    if (holder?.destroyed) {
      throw new HiveError(
        "conflict",
        `an agent ${name} was destroyed and its state is kept: ${hivectl(`revive ${name}`)} brings it back, ${hivectl(`destroy ${name} --purge`)} frees the name`,
      );
    }
    if (holder || this.#drafts.has(name)) throw new HiveError("conflict", `there is an agent ${name} already`);
    if (this.all().length + this.#drafts.size >= MAX_AGENTS)
      throw new HiveError("conflict", `a hive has at most ${MAX_AGENTS} agents`);
  }

  /**
   * Stores a new agent without a deployed config. It takes the name, but no list shows it before its first deploy
   * succeeds.
   */
  async createDraft(name: string): Promise<Agent> {
    this.checkFree(name);
    this.#drafts.set(name, undefined);
    try {
      const record = await this.#deps.store.insert((ordinal) => ({
        id: `a${randomBytes(6).toString("hex")}`,
        ordinal,
        name,
        role: name === MANAGER ? "manager" : "agent",
        desired: "running",
        paused: false,
        generation: 0,
        identity: this.#deps.identities.identityFor(ordinal),
        createdAt: instant(this.#deps.now()),
      }));
      return this.#enter(record);
    } catch (error) {
      this.#drafts.delete(name);
      throw error;
    }
  }

  /** The draft of this name, before its first deploy has succeeded. */
  draftOf(name: string): Agent | undefined {
    return this.#drafts.get(name);
  }

  drafts(): Agent[] {
    return [...this.#drafts.values()].filter((agent) => agent !== undefined);
  }

  /** Makes a draft visible. Called after its first deploy has succeeded and its record says so. */
  publish(agent: Agent): void {
    this.#drafts.delete(agent.name);
    this.#byName.set(agent.name, agent);
  }

  /** Removes a draft whose first deploy has failed. */
  dropDraft(agent: Agent): void {
    this.#drafts.delete(agent.name);
    this.#byId.delete(agent.id);
  }

  /** Frees the name of a purged agent. */
  freeName(name: string): void {
    this.#byName.delete(name);
  }

  async tombstones(): Promise<Output<"tombstones">["agents"]> {
    const dead = [...this.#byName.values()].filter((agent) => agent.destroyed);
    return Promise.all(
      dead.map(async (agent) => {
        const { root } = this.#deps.paths.agent(agent.id);
        return {
          name: agent.name,
          destroyed_at: agent.record.destroyedAt ?? "",
          bytes: existsSync(root) ? await treeBytes(root) : 0,
        };
      }),
    );
  }
}
