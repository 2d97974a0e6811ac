import type { Paths } from "../lib/paths.ts";
import type { Service } from "../lib/services.ts";
import { stateOf, type Agent } from "./agent.ts";
import type { Cages } from "./cages.ts";
import type { AgentBus } from "./events.ts";
import type { Swarm } from "./swarm.ts";

/** Share of its limit from which an agent's row warns. */
const WARN_SHARE = 0.9;
const MIB = 1024 * 1024;

export interface DiskWatchDeps {
  agents: Pick<Swarm, "all">;
  cages: Pick<Cages, "halt">;
  bus: Pick<AgentBus, "emit">;
  paths: Paths;
  /** Bytes that these folders take on the disk; undefined if they cannot be measured. */
  bytesOnDisk(folders: string[]): Promise<number | undefined>;
  /** Pause between two rounds. Milliseconds. */
  everyMs: number;
  onUnexpected(error: unknown): void;
}

/**
 * Holds each agent to the disk limit of its config. Nothing in the kernel counts an agent's folders, so they are looked
 * at: near the limit its row warns, over it the cage is stopped until the operator has freed room or raised the limit.
 */
export class DiskWatch implements Service {
  readonly #deps: DiskWatchDeps;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: DiskWatchDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer = setTimeout(() => void this.#round(), this.#deps.everyMs);
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** The next round begins a pause after this one has ended: walks never pile up. */
  async #round(): Promise<void> {
    await this.runOnce().catch(this.#deps.onUnexpected);
    if (this.#timer) this.start();
  }

  /** Looks at every agent whose cage has a process, one after the other: the others write nothing. */
  async runOnce(): Promise<void> {
    for (const agent of this.#deps.agents.all()) {
      if (agent.phase.at !== "running") continue;
      // One that cannot be looked at does not keep the others.
      await this.#look(agent).catch(this.#deps.onUnexpected);
    }
  }

  async #look(agent: Agent): Promise<void> {
    const limitMib = agent.config.limits.disk_mib;
    const bytes = await this.#deps.bytesOnDisk(writableFolders(agent, this.#deps.paths));
    if (bytes === undefined) return;
    const usedMib = Math.ceil(bytes / MIB);
    if (bytes > limitMib * MIB) {
      await this.#deps.cages.halt(
        agent,
        `over its disk limit (${usedMib} of ${limitMib} MiB): free room in ${this.#whereOf(agent)}, then start it again`,
      );
      return;
    }
    const warning = bytes > limitMib * MIB * WARN_SHARE ? `its disk is nearly full: ${usedMib} of ${limitMib} MiB` : undefined;
    if (warning === agent.diskWarning) return;
    stateOf(agent).disk.warning = warning;
    this.#deps.bus.emit("changed", agent);
  }

  /** Where the files of an agent are, for the operator. */
  #whereOf(agent: Agent): string {
    const { paths } = this.#deps;
    const { root } = paths.agent(agent.id);
    return agent.role === "manager" ? `${root} or ${paths.proposed}` : root;
  }
}

/** The folders of the hive that an agent can write. A folder of `mounts` is the operator's, and so is its room. */
export function writableFolders(agent: Pick<Agent, "id" | "role">, paths: Paths): string[] {
  const own = paths.agent(agent.id);
  return [own.state, own.claude, ...(agent.role === "manager" ? [paths.proposed] : [])];
}
