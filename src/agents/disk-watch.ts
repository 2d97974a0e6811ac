import { stateOf, type Agent } from "./agent.ts";

/** Share of its limit from which an agent's row warns. */
const WARN_SHARE = 0.9;
const MIB = 1024 * 1024;

export interface DiskWatchDeps {
  /** Agents whose cage has a process just now: the others write nothing. */
  awake(): Agent[];
  /** Bytes of everything that an agent can fill; undefined when it cannot be told. */
  bytesOf(agent: Agent): Promise<number | undefined>;
  /** Where those files are, for the operator. */
  folderOf(agent: Agent): string;
  /** Ends the agent's cage at once and leaves it to the operator. */
  halt(agent: Agent, reason: string): Promise<void>;
  changed(agent: Agent): void;
  everyMs: number;
  onUnexpected(error: unknown): void;
}

/**
 * Holds each agent to the disk limit of its config. Nothing in the kernel counts an agent's folders, so they are looked
 * at: near the limit its row warns, over it the cage is stopped until the operator has freed room or raised the limit.
 */
export class DiskWatch {
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

  /** Looks at every agent that is awake, one after the other. */
  async runOnce(): Promise<void> {
    // One that cannot be looked at does not keep the others.
    for (const agent of this.#deps.awake()) await this.#look(agent).catch(this.#deps.onUnexpected);
  }

  async #look(agent: Agent): Promise<void> {
    const limitMib = agent.config.limits.disk_mib;
    const bytes = await this.#deps.bytesOf(agent);
    if (bytes === undefined) return;
    const usedMib = Math.ceil(bytes / MIB);
    if (bytes > limitMib * MIB) {
      await this.#deps.halt(
        agent,
        `over its disk limit (${usedMib} of ${limitMib} MiB): free room in ${this.#deps.folderOf(agent)}, then start it again`,
      );
      return;
    }
    const warning = bytes > limitMib * MIB * WARN_SHARE ? `its disk is nearly full: ${usedMib} of ${limitMib} MiB` : undefined;
    if (warning === agent.diskWarning) return;
    stateOf(agent).disk.warning = warning;
    this.#deps.changed(agent);
  }
}
