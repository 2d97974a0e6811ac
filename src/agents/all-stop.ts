import { hivectl } from "../lib/hivectl.ts";
import { z } from "zod";
import type { Store } from "../store/store.ts";
import { HiveError } from "../wire/error.ts";
import { Instant, OPERATOR } from "../wire/names.ts";
import type { Agent } from "./agent.ts";
import type { AgentCommands } from "./commands.ts";
import type { AgentBus } from "./events.ts";
import { recordCommitted } from "./records.ts";
import type { Swarm } from "./swarm.ts";

/**
 * The agents that ran when an operator stopped everything, and which operator it was. The agents are stored by id,
 * because another agent may take a name.
 */
const Stopped = z.object({ at: Instant, ran: z.array(z.string()), by: z.string().default(OPERATOR) });
type Stopped = z.infer<typeof Stopped>;

/** The key of the stored state. The value is empty while the stop is not in force. */
const META_KEY = "all_stopped";

export interface AllStopDeps {
  store: Store;
  agents: Pick<Swarm, "all">;
  commands: Pick<AgentCommands, "start" | "stop">;
  bus: Pick<AgentBus, "emit">;
  now(): number;
}

type Result = { name: string; ok: boolean; error?: string };

/**
 * Stops every agent with one command of the operator. Another command starts exactly those that ran. The state survives
 * a restart of the daemon. While it lasts, no deploy begins and no agent starts another.
 */
export class AllStop {
  readonly #deps: AllStopDeps;
  #stopped: Stopped | undefined;

  constructor(deps: AllStopDeps) {
    this.#deps = deps;
    const kept = deps.store.meta.get(META_KEY) ?? "";
    this.#stopped = kept === "" ? undefined : Stopped.parse(JSON.parse(kept));
  }

  get isOn(): boolean {
    return this.#stopped !== undefined;
  }

  /** Since when everything is stopped, by whom, and the names of the agents that ran and still exist. */
  get view(): { at: string; by: string; agents: string[] } | undefined {
    return this.#stopped && { at: this.#stopped.at, by: this.#stopped.by, agents: this.#waiting().map((agent) => agent.name) };
  }

  /** Throws `conflict` while everything is stopped. Callers check this before they start an agent. */
  check(): void {
    if (this.isOn)
      throw new HiveError(
        "conflict",
        `stop all is in effect: start what ran first (${hivectl("start --what-ran")}), then ask again`,
      );
  }

  /** Stops every agent and stores which of them ran. A second call also stops the agents that were started since. */
  async stop({ graceful, by }: { graceful: boolean; by: string }): Promise<Result[]> {
    const ran = this.#deps.agents.all().filter((agent) => agent.record.desired === "running");
    if (ran.length === 0 && !this.isOn) throw new HiveError("conflict", "nothing runs: there is nothing to stop");
    const known = this.#stopped?.ran ?? [];
    this.#stopped = {
      at: this.#stopped?.at ?? new Date(this.#deps.now()).toISOString(),
      ran: [...new Set([...known, ...ran.map((agent) => agent.id)])],
      by: this.#stopped?.by ?? by,
    };
    this.#deps.bus.emit("all_stopped", true);
    await this.#save(ran, "stopped", "stopped_all", by);
    return this.#each(ran, (agent) => this.#deps.commands.stop(agent, { graceful, by }));
  }

  /** Starts the agents that ran, and no others. */
  async startWhatRan(by: string): Promise<Result[]> {
    if (!this.isOn) throw new HiveError("conflict", "nothing was stopped by `stop --all`: name the agents to start");
    const ran = this.#waiting();
    this.#stopped = undefined;
    await this.#save(ran, "running", "started_what_ran", by);
    const results = await this.#each(ran, (agent) => this.#deps.commands.start(agent, by));
    this.#deps.bus.emit("all_stopped", false);
    return results;
  }

  /** The operator has started one of the agents individually. The state ends when all of them have been started. */
  async started(agent: Agent, by: string): Promise<void> {
    if (this.#stopped?.ran.includes(agent.id) !== true) return;
    const ran = this.#stopped.ran.filter((id) => id !== agent.id);
    this.#stopped = { ...this.#stopped, ran };
    if (this.#waiting().length === 0) this.#stopped = undefined;
    await this.#save([], "running", "started_by_hand", by);
    if (!this.isOn) this.#deps.bus.emit("all_stopped", false);
  }

  /** A deploy that was too far to stop has ended. Stops its agent like the others. */
  async afterDeploy(agent: Agent): Promise<void> {
    if (!this.isOn || agent.record.desired !== "running") return;
    await this.stop({ graceful: false, by: this.#stopped?.by ?? OPERATOR });
  }

  #waiting(): Agent[] {
    const ran = new Set(this.#stopped?.ran);
    return this.#deps.agents.all().filter((agent) => ran.has(agent.id));
  }

  /** Stores the state and the desired state of these agents in one transaction. */
  async #save(agents: Agent[], desired: "running" | "stopped", kind: string, actor: string): Promise<void> {
    const { store, now, bus } = this.#deps;
    const state = this.#stopped === undefined ? "" : JSON.stringify(this.#stopped);
    await store.write(() => {
      store.meta.set(META_KEY, state);
      for (const agent of agents) store.agents.update(agent.id, { desired });
      store.ledger.audit(store.nextSeq(), { at: now(), actor, kind, detail: { agents: agents.length } });
    });
    for (const agent of agents) recordCommitted(agent, { desired });
    bus.emit("changed", "hive");
  }

  async #each(agents: Agent[], act: (agent: Agent) => Promise<void>): Promise<Result[]> {
    return Promise.all(
      agents.map(async (agent) => {
        try {
          await act(agent);
          return { name: agent.name, ok: true };
        } catch (error) {
          if (!(error instanceof HiveError)) throw error;
          return { name: agent.name, ok: false, error: error.message };
        }
      }),
    );
  }
}
