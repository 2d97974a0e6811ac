import type { Service } from "../lib/services.ts";
import { SerialQueue } from "../lib/serial-queue.ts";
import type { ApprovalRecord } from "../store/approvals.ts";
import { SYSTEM } from "../wire/names.ts";
import type { Agent } from "../agents/agent.ts";
import type { Deploys } from "./deploys.ts";
import { checkDrift } from "./drift.ts";
import type { Requests } from "./requests.ts";
import type { DeployContext } from "./deploy-context.ts";

/**
 * How often every agent is compared with the ledger, in addition to after every deploy. This finds changes that were
 * made outside the hive. Milliseconds.
 */
const DRIFT_CHECK_MS = 10 * 60_000;

/** The options of a requested rebuild. */
interface RebuildOptions {
  /** Rebuilds even if nothing is stale. */
  always?: boolean;
  note?: string | undefined;
}

/**
 * True if an agent should be rebuilt: hyperhive is newer than its lock, the agent has never been locked, or this platform
 * has not built what it runs, because another one deployed it.
 */
export function isStale(
  agent: Agent,
  { revision, platform, paths }: Pick<DeployContext, "revision" | "platform" | "paths">,
): boolean {
  if (agent.record.deployedSha === undefined || agent.record.hyperhive !== revision || agent.harness?.stale === true) return true;
  return !platform.isBuilt(paths.agent(agent.id).generation(agent.record.generation));
}

/**
 * Rebuilds stale agents, where the operator wants it without being asked, one at a time and between turns, so that the swarm never stops as a whole. An agent that could
 * not be rebuilt keeps running and the manager is notified. It is retried manually or by the next daemon.
 */
export class AutoUpdate implements Service {
  readonly #context: DeployContext;
  readonly #requests: Requests;
  readonly #deploys: Deploys;
  readonly #given = new Set<string>();
  readonly #updates = new SerialQueue();
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(context: DeployContext, requests: Requests, deploys: Deploys) {
    this.#context = context;
    this.#requests = requests;
    this.#deploys = deploys;
    context.bus.on("harness_outdated", (agent) => this.queueIfStale(agent));
    context.bus.on("all_stopped", (isStopped) => {
      if (!isStopped) this.queueAllStale();
    });
    context.bus.on("harness_connected", async ({ agent, session }) => {
      if (session.generation !== agent.generation) await this.runOnce();
    });
  }

  /** Queues stale agents once, and checks for drift now and periodically. */
  start(): void {
    this.queueAllStale();
    const check = (): void => void this.runOnce().catch(this.#context.onUnexpected);
    check();
    this.#timer = setInterval(check, DRIFT_CHECK_MS);
    this.#timer.unref();
  }

  /** Compares every agent with the ledger. */
  async runOnce(): Promise<void> {
    await checkDrift(this.#context);
  }

  /** Queues all stale agents. */
  queueAllStale(): void {
    for (const agent of this.#context.swarm.all()) this.queueIfStale(agent);
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  /** Queues an agent if it is stale and the hive updates by itself. Only once, so that a failed rebuild is not retried forever. */
  queueIfStale(agent: Agent): void {
    if (!this.#context.autoUpdate || this.#given.has(agent.id) || !isStale(agent, this.#context)) return;
    this.#queue(agent, SYSTEM, {}).catch(() => {}); // `#queue` reports the failure.
  }

  /**
   * Queues an agent on request. An agent that is not stale is queued only with `always`. Resolves with the ended
   * request, or with undefined if no deploy was needed.
   */
  async ask(agent: Agent, by: string, { always = false, note }: RebuildOptions = {}): Promise<ApprovalRecord | undefined> {
    return always || isStale(agent, this.#context) ? this.#queue(agent, by, { always, note }) : undefined;
  }

  #queue(agent: Agent, by: string, asked: RebuildOptions): Promise<ApprovalRecord | undefined> {
    this.#given.add(agent.id);
    const done = this.#updates.run(() => this.#update(agent, by, asked));
    done.catch(this.#context.onUnexpected);
    return done;
  }

  async #update(agent: Agent, by: string, { always = false, note }: RebuildOptions): Promise<ApprovalRecord | undefined> {
    if (this.#stopped || agent.destroyed || agent.deploying !== undefined) return;
    if (!always && !isStale(agent, this.#context)) return;
    // Checked again when everything has been started again.
    if (this.#context.allStop.isOn) {
      this.#given.delete(agent.id);
      return;
    }
    const description = by === SYSTEM ? "hyperhive is newer" : undefined;
    const asked = await this.#requests.rebuild(agent, by, { description, note });
    const row = await this.#deploys.finished(asked.id);
    if (row.state === "deployed") this.#given.delete(agent.id);
    else if (!this.#stopped)
      await this.#context.announcements.announce({ event: "needs_update", agent: agent.name, reason: row.error ?? row.state });
    return row;
  }
}
