import type { Paths } from "../lib/paths.ts";
import type { Service } from "../lib/services.ts";
import { stateOf, type Agent } from "./agent.ts";
import type { Cages } from "./cages.ts";
import type { AgentBus } from "./events.ts";
import type { Swarm } from "./swarm.ts";

/** An agent's row warns from this share of its limit. */
const WARN_SHARE = 0.9;
const MIB = 1024 * 1024;
/** The pause after an agent was measured, as a multiple of what that took: a large workspace takes a tenth of the disk's time. */
const PAUSE_FACTOR = 10;

export interface DiskWatchDeps {
  agents: Pick<Swarm, "all">;
  cages: Pick<Cages, "halt">;
  bus: Pick<AgentBus, "emit">;
  paths: Paths;
  /** The bytes that these folders use on disk. Undefined if they cannot be measured. */
  bytesOnDisk(folders: string[]): Promise<number | undefined>;
  /** The pause between two rounds. Milliseconds. */
  everyMs: number;
  /** Milliseconds of a monotonic clock. */
  clock?(): number;
  onUnexpected(error: unknown): void;
}

/**
 * Enforces the disk limit of each agent's config. The kernel does not count an agent's folders, so they are measured in
 * rounds. An agent near its limit gets a warning. An agent over its limit is stopped until the operator has freed room
 * or raised the limit.
 */
export class DiskWatch implements Service {
  readonly #deps: DiskWatchDeps;
  readonly #clock: () => number;
  /** When an agent may be measured again. */
  readonly #notBefore = new WeakMap<Agent, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: DiskWatchDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? (() => performance.now());
  }

  start(): void {
    this.#timer = setTimeout(() => void this.#round(), this.#deps.everyMs);
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** The pause starts when a round has ended, so rounds never overlap. */
  async #round(): Promise<void> {
    await this.runOnce().catch(this.#deps.onUnexpected);
    if (this.#timer) this.start();
  }

  /** Measures every agent whose cage has a process, one after the other. The others write nothing. */
  async runOnce(): Promise<void> {
    for (const agent of this.#deps.agents.all()) {
      if (agent.phase.at !== "running" || this.#clock() < (this.#notBefore.get(agent) ?? 0)) continue;
      const startedAt = this.#clock();
      // An agent that cannot be measured does not hold up the others.
      await this.#measure(agent).catch(this.#deps.onUnexpected);
      const now = this.#clock();
      this.#notBefore.set(agent, now + PAUSE_FACTOR * (now - startedAt));
    }
  }

  async #measure(agent: Agent): Promise<void> {
    const limitMib = agent.config.limits.disk_mib;
    const bytes = await this.#deps.bytesOnDisk(writableFolders(agent, this.#deps.paths));
    if (bytes === undefined) return;
    const usedMib = Math.ceil(bytes / MIB);
    if (bytes > limitMib * MIB) {
      await this.#deps.cages.halt(
        agent,
        `over its disk limit (${usedMib} of ${limitMib} MiB): free room in ${this.#foldersOf(agent)}, then start it again`,
      );
      return;
    }
    const warning = bytes > limitMib * MIB * WARN_SHARE ? `its disk is nearly full: ${usedMib} of ${limitMib} MiB` : undefined;
    if (warning === agent.diskWarning) return;
    stateOf(agent).disk.warning = warning;
    this.#deps.bus.emit("changed", agent);
  }

  /** The folders in which the operator can free room. */
  #foldersOf(agent: Agent): string {
    const { paths } = this.#deps;
    const { root } = paths.agent(agent.id);
    return agent.role === "manager" ? `${root} or ${paths.proposed}` : root;
  }
}

/**
 * The folders of the hive that an agent can write. The folders in `mounts` belong to the operator and are not counted.
 */
export function writableFolders(agent: Pick<Agent, "id" | "role">, paths: Paths): string[] {
  const own = paths.agent(agent.id);
  return [own.state, own.work, own.claude, ...(agent.role === "manager" ? [paths.proposed] : [])];
}
