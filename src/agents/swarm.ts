import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { Identity } from "../platforms/port.ts";
import type { AgentRecord } from "../store/agents.ts";
import { HiveError, unknownAgent } from "../wire/error.ts";
import type { HarnessPush } from "../wire/harness.ts";
import { instant } from "../wire/instant.ts";
import { MAX_AGENTS } from "../wire/limits.ts";
import { MANAGER, OPERATOR } from "../wire/names.ts";
import type { Output } from "../wire/operations.ts";
import type { Paths } from "../lib/paths.ts";
import { Agent } from "./agent.ts";
import type { Cages } from "./cages.ts";
import { readConfigTree, treeBytes } from "./config-tree.ts";
import type { Harnesses } from "./harnesses.ts";
import { saveRecord } from "./records.ts";
import { hasResidentServer } from "./sleep.ts";

/** What the swarm needs to remember. Each call resolves once it is on stable storage. */
export interface AgentStore {
  all(): AgentRecord[];
  /**
   * Stores a new agent. Its ordinal, a number that no agent has had before and that its uid comes from, is counted in
   * the write itself: two that are made at the same moment never get the same.
   */
  insert(make: (ordinal: number) => AgentRecord): Promise<AgentRecord>;
  update(id: string, patch: Partial<AgentRecord>): Promise<void>;
}

export interface SwarmDeps {
  store: AgentStore;
  paths: Paths;
  cages: Cages;
  harnesses: Harnesses;
  identityFor(ordinal: number): Identity;
  /** Closes and removes an agent's sockets. */
  closeSockets(agent: Agent): Promise<void>;
  destroyCage(agent: Agent): Promise<void>;
  /** True when the agent has mail that waits. */
  hasMail(agent: Agent): boolean;
  /** Returns or drops what is left in the inbox of an agent that is purged. */
  changed(agent: Agent): void;
  /** An event for the manager's inbox and the audit trail; resolves once it is stored. */
  announce(event: { event: string; agent: string; [detail: string]: unknown }, options?: { actor?: string }): Promise<void>;
  /** Work that nobody waits for has failed. */
  onUnexpected(error: unknown): void;
  now(): number;
}

/** Every agent of the hive, and what the operator may do with them. */
export class Swarm {
  readonly #deps: SwarmDeps;
  readonly #byId = new Map<string, Agent>();
  readonly #byName = new Map<string, Agent>();
  /** Agents whose first deploy is under way, by name; undefined while one is being stored. */
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
    // A purged and re-spawned name belongs to whoever has it now.
    const holder = this.#byName.get(record.name);
    if (!holder || holder.destroyed) this.#byName.set(record.name, agent);
    return agent;
  }

  byId(id: string): Agent | undefined {
    return this.#byId.get(id);
  }

  /** The live agent of that name. Throws the fixed words for an unknown one. */
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

  /** Also one whose history is all that is left. */
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

  /** Live and destroyed ones, for pages that show both. */
  everyone(): Agent[] {
    return [...this.#byName.values()];
  }

  /**
   * Start-up: takes over the cages that live, wakes those who have mail or a resident server, and leaves the others
   * asleep: they cost nothing and start with their next message.
   */
  async boot(): Promise<void> {
    const { cages, onUnexpected } = this.#deps;
    await Promise.all(
      this.all().map((agent) =>
        this.#bootOne(agent).catch((error: unknown) => {
          // One agent that cannot be brought up does not keep the hive from starting.
          onUnexpected(error);
          cages.leaveParked(agent, `it could not be brought up: ${error instanceof Error ? error.message : String(error)}`);
        }),
      ),
    );
  }

  async #bootOne(agent: Agent): Promise<void> {
    const { cages, harnesses, hasMail, onUnexpected } = this.#deps;
    harnesses.serve(agent);
    if (await cages.adopt(agent)) {
      harnesses.expect(agent);
      // Stopping it was cut short by the end of the last daemon.
      if (agent.record.desired !== "running") await cages.stop(agent, { graceful: false, reason: "it was to be stopped" });
      return;
    }
    if (agent.record.desired !== "running") return cages.leaveStopped(agent);
    if (agent.unreadable !== undefined) return cages.leaveFailed(agent, agent.unreadable);
    const needed = hasMail(agent) || hasResidentServer(agent);
    if (!needed) return cages.leaveAsleep(agent);
    await cages.start(agent, "start-up").catch((error: unknown) => {
      // A cage that cannot be built is reported by the start itself.
      if (!(error instanceof HiveError)) onUnexpected(error);
    });
  }

  /** Throws words when a new agent cannot have this name. A destroyed one of that name is not replaced silently. */
  checkFree(name: string): void {
    const holder = this.#byName.get(name);
    if (holder?.destroyed) {
      throw new HiveError(
        "conflict",
        `an agent ${name} was destroyed and its state is kept: \`hivectl revive ${name}\` brings it back, \`hivectl destroy ${name} --purge\` frees the name`,
      );
    }
    if (holder || this.#drafts.has(name)) throw new HiveError("conflict", `there is an agent ${name} already`);
    if (this.all().length + this.#drafts.size >= MAX_AGENTS)
      throw new HiveError("conflict", `a hive has at most ${MAX_AGENTS} agents`);
  }

  /** Stores a new agent of which nothing is deployed yet: nobody sees it before its birth. Its name is taken. */
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
        identity: this.#deps.identityFor(ordinal),
        createdAt: instant(this.#deps.now()),
      }));
      return this.#enter(record);
    } catch (error) {
      this.#drafts.delete(name);
      throw error;
    }
  }

  /** The agent that a spawn has made under this name, before its birth. */
  draftOf(name: string): Agent | undefined {
    return this.#drafts.get(name);
  }

  drafts(): Agent[] {
    return [...this.#drafts.values()].filter((agent) => agent !== undefined);
  }

  /** The first deploy of an agent has succeeded, and its record says so: everybody sees it from here on. */
  publish(agent: Agent): void {
    this.#drafts.delete(agent.name);
    this.#byName.set(agent.name, agent);
    this.#deps.harnesses.serve(agent);
  }

  /** The first deploy of an agent has failed: nothing is left of it but its number, which is never used again. */
  async discardDraft(agent: Agent): Promise<void> {
    await this.#deps.closeSockets(agent);
    await this.#deps.destroyCage(agent);
    await rm(this.#deps.paths.agent(agent.id).root, { recursive: true, force: true });
    const at = instant(this.#deps.now());
    await this.#save(agent, { desired: "stopped", destroyedAt: at, purgedAt: at });
    this.#drafts.delete(agent.name);
    this.#byId.delete(agent.id);
  }

  async start(agent: Agent, by: string): Promise<void> {
    await this.#save(agent, { desired: "running" });
    this.#deps.cages.forgive(agent);
    this.#deps.harnesses.forgive(agent);
    await this.#deps.cages.start(agent, `started by ${by}`, by);
  }

  async stop(agent: Agent, options: { graceful: boolean; by: string }): Promise<void> {
    await this.#save(agent, { desired: "stopped" });
    await this.#deps.cages.stop(agent, { graceful: options.graceful, reason: `by ${options.by}`, actor: options.by });
  }

  async restart(agent: Agent, by: string): Promise<void> {
    await this.#deps.cages.stop(agent, { graceful: true, reason: `restarted by ${by}`, actor: by });
    await this.start(agent, by);
  }

  /** The agent of that name that may be destroyed. Throws the words for one that may not. */
  destroyable(name: string, { purge }: { purge: boolean }): Agent {
    const agent = purge ? this.byNameEvenDestroyed(name) : this.byName(name);
    if (agent.role === "manager") throw new HiveError("forbidden", `${MANAGER} cannot be destroyed; it can be stopped`);
    return agent;
  }

  /** Ends an agent. Its name stays taken by the tombstone until it is revived or purged. */
  async destroy(name: string, options: { purge: boolean; note?: string | undefined }): Promise<void> {
    const agent = this.destroyable(name, options);
    await this.#deps.cages.stop(agent, { graceful: false, reason: "destroyed" });
    this.#deps.harnesses.unpark(agent);
    await this.#deps.closeSockets(agent);
    await this.#deps.destroyCage(agent);
    if (!agent.destroyed) {
      await this.#save(agent, { desired: "stopped", destroyedAt: instant(this.#deps.now()) });
    }
    if (options.purge) {
      // The id is ours, made of hex digits: this can never leave the agent's own folder.
      await rm(this.#deps.paths.agent(agent.id).root, { recursive: true, force: true });
      await this.#save(agent, { purgedAt: instant(this.#deps.now()) });
      this.#byName.delete(name);
    }
    this.#deps.changed(agent);
    const reason = options.note?.trim() || undefined;
    await this.#deps.announce({ event: "destroyed", agent: name, purged: options.purge, reason }, { actor: OPERATOR });
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

  /** Pausing holds the mail back; resuming also ends a park: the operator says go on. */
  async setPaused(agent: Agent, paused: boolean): Promise<void> {
    const isNew = agent.record.paused !== paused;
    if (isNew) await this.#save(agent, { paused });
    if (!paused) this.#deps.harnesses.forgive(agent);
    this.#deps.harnesses.serve(agent);
    this.#deps.changed(agent);
    if (!paused && this.#deps.hasMail(agent)) this.#deps.cages.onMail(agent);
    if (isNew) await this.#deps.announce({ event: paused ? "paused" : "resumed", agent: agent.name }, { actor: OPERATOR });
  }

  async setModel(agent: Agent, model: string): Promise<void> {
    await this.#save(agent, { modelOverride: model });
    agent.harness?.push({ push: "model", model });
    this.#deps.harnesses.unparkFrom(agent, "config");
    this.#deps.changed(agent);
  }

  /** The next turn begins a new session; the old one stays in the agent's folder. */
  async newSession(agent: Agent): Promise<void> {
    await this.#save(agent, { sessionId: undefined });
    this.#deps.harnesses.sessionIsNew(agent);
    agent.harness?.push({ push: "new_session" });
    this.#deps.harnesses.unparkFrom(agent, "session");
    this.#deps.changed(agent);
  }

  /** What the agent says that it does: one line, whatever was given. */
  async setStatus(agent: Agent, text: string): Promise<void> {
    const line = text.replace(/\s+/g, " ").trim();
    await this.#save(agent, { statusText: line, statusSetAt: instant(this.#deps.now()) });
    this.#deps.changed(agent);
  }

  saveSession(agent: Agent, sessionId: string | undefined): void {
    if (agent.record.sessionId !== sessionId) this.#save(agent, { sessionId }).catch(this.#deps.onUnexpected);
  }

  /** Sends an operator's command to the running harness, or says why there is none. */
  pushTo(agent: Agent, line: HarnessPush): void {
    if (agent.phase.at === "asleep" || agent.phase.at === "dozing")
      this.#deps.cages.startAside(agent, "for an operator's command");
    if (agent.harness?.push(line) !== true) {
      throw new HiveError("unavailable", `${agent.name} has no running harness just now: start it, or try again in a moment`);
    }
  }

  #save(agent: Agent, patch: Partial<AgentRecord>): Promise<void> {
    return saveRecord(this.#deps.store, agent, patch);
  }
}
