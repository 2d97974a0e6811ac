import type { Paths } from "../lib/paths.ts";
import type { Announcements } from "../messages/announcements.ts";
import type { Broker } from "../messages/broker.ts";
import type { AgentRecord } from "../store/agents.ts";
import { HiveError } from "../wire/error.ts";
import type { HarnessPush } from "../wire/harness.ts";
import { instant } from "../wire/instant.ts";
import { MANAGER } from "../wire/names.ts";
import type { Agent } from "./agent.ts";
import type { Cages } from "./cages.ts";
import type { AgentBus } from "./events.ts";
import type { Harnesses } from "./harnesses.ts";
import { saveRecord } from "./records.ts";
import type { AgentStore, Swarm } from "./swarm.ts";

export interface AgentCommandDeps {
  agents: Pick<Swarm, "all" | "byName" | "byNameEvenDestroyed" | "dropDraft" | "freeName">;
  agentStore: Pick<AgentStore, "update">;
  cages: Pick<Cages, "start" | "startInBackground" | "stop" | "remove" | "clearCrashes" | "onMail">;
  harnesses: Pick<Harnesses, "serve" | "clearParks" | "unpark" | "unparkFrom" | "sessionIsNew">;
  broker: Pick<Broker, "hasMail">;
  announcements: Pick<Announcements, "announce">;
  bus: Pick<AgentBus, "emit">;
  paths: Paths;
  /** Removes a folder of an agent, whatever the agent has made of it. */
  removeTree(folder: string): Promise<void>;
  now(): number;
}

/** The commands that act on an agent: from the operator, from the manager, and at the end of a deploy. */
export class AgentCommands {
  readonly #deps: AgentCommandDeps;

  constructor(deps: AgentCommandDeps) {
    this.#deps = deps;
  }

  /** Discards an agent whose first deploy has failed. Only its number remains, which is never used again. */
  async discardDraft(agent: Agent): Promise<void> {
    await this.#deps.cages.remove(agent);
    await this.#deps.removeTree(this.#deps.paths.agent(agent.id).root);
    const at = instant(this.#deps.now());
    await this.#save(agent, { desired: "stopped", destroyedAt: at, purgedAt: at });
    this.#deps.agents.dropDraft(agent);
  }

  async start(agent: Agent, by: string): Promise<void> {
    await this.#save(agent, { desired: "running" });
    this.#deps.cages.clearCrashes(agent);
    this.#deps.harnesses.clearParks(agent);
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

  /** Returns the agent of that name. Throws if it may not be destroyed. */
  destroyable(name: string, { purge }: { purge: boolean }): Agent {
    const agent = purge ? this.#deps.agents.byNameEvenDestroyed(name) : this.#deps.agents.byName(name);
    if (agent.role === "manager") throw new HiveError("forbidden", `${MANAGER} cannot be destroyed; it can be stopped`);
    return agent;
  }

  /** Destroys an agent. Its tombstone keeps the name until the agent is revived or purged. */
  async destroy(name: string, options: { purge: boolean; note?: string | undefined; by: string }): Promise<void> {
    const agent = this.destroyable(name, options);
    await this.#deps.cages.stop(agent, { graceful: false, reason: "destroyed" });
    this.#deps.harnesses.unpark(agent);
    await this.#deps.cages.remove(agent);
    if (!agent.destroyed) {
      await this.#save(agent, { desired: "stopped", destroyedAt: instant(this.#deps.now()) });
    }
    if (options.purge) {
      // The hive made the id from hex digits, so the path stays in the agent's own folder.
      await this.#deps.removeTree(this.#deps.paths.agent(agent.id).root);
      await this.#save(agent, { purgedAt: instant(this.#deps.now()) });
      this.#deps.agents.freeName(name);
    }
    this.#deps.bus.emit("agent_destroyed", { agent, purged: options.purge });
    this.#deps.bus.emit("changed", agent);
    const reason = options.note?.trim() || undefined;
    await this.#deps.announcements.announce(
      { event: "destroyed", agent: name, purged: options.purge, reason },
      { actor: options.by },
    );
  }

  /** Pausing holds the mail back. Resuming also ends a park, because the operator wants the agent to continue. */
  async setPaused(agent: Agent, paused: boolean, by: string): Promise<void> {
    const isNew = agent.record.paused !== paused;
    if (isNew) await this.#save(agent, { paused });
    if (!paused) this.#deps.harnesses.clearParks(agent);
    this.#deps.harnesses.serve(agent);
    this.#deps.bus.emit("changed", agent);
    if (!paused && this.#deps.broker.hasMail(agent.id)) this.#deps.cages.onMail(agent);
    if (isNew)
      await this.#deps.announcements.announce({ event: paused ? "paused" : "resumed", agent: agent.name }, { actor: by });
  }

  /** A credential has another value, or is there at last: what waited for it is tried at once. */
  credentialChanged(name: string): void {
    for (const agent of this.#deps.agents.all()) {
      if (agent.credential !== name) continue;
      // A limit of the API was that of the account before.
      if (agent.park?.why === "needs_login" || agent.park?.why === "rate_limited") this.#deps.harnesses.clearParks(agent);
      // Its requests were refused because the credential was missing.
      this.#deps.harnesses.unparkFrom(agent, "config");
      this.#deps.bus.emit("changed", agent);
    }
    this.#deps.bus.emit("changed", "hive");
  }

  async setModel(agent: Agent, model: string): Promise<void> {
    await this.#save(agent, { modelOverride: model });
    agent.harness?.push({ push: "model", model });
    this.#deps.harnesses.unparkFrom(agent, "config");
    this.#deps.bus.emit("changed", agent);
  }

  /** Makes the next turn begin a new session. The old one stays in the agent's folder. */
  async newSession(agent: Agent): Promise<void> {
    await this.#save(agent, { sessionId: undefined });
    this.#deps.harnesses.sessionIsNew(agent);
    agent.harness?.push({ push: "new_session" });
    this.#deps.harnesses.unparkFrom(agent, "session");
    this.#deps.bus.emit("changed", agent);
  }

  /** Stores what the agent says it is doing, collapsed into one line. */
  async setStatus(agent: Agent, text: string): Promise<void> {
    const line = text.replace(/\s+/g, " ").trim();
    await this.#save(agent, { statusText: line, statusSetAt: instant(this.#deps.now()) });
    this.#deps.bus.emit("changed", agent);
  }

  /** Sends an operator's command to the running harness. Throws `unavailable` if there is none. */
  pushTo(agent: Agent, line: HarnessPush): void {
    if (agent.phase.at === "asleep" || agent.phase.at === "dozing")
      this.#deps.cages.startInBackground(agent, "for an operator's command");
    if (agent.harness?.push(line) !== true) {
      throw new HiveError("unavailable", `${agent.name} has no running harness just now: start it, or try again in a moment`);
    }
  }

  #save(agent: Agent, patch: Partial<AgentRecord>): Promise<void> {
    return saveRecord(this.#deps.agentStore, agent, patch);
  }
}
