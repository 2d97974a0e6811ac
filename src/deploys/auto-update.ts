import type { Service } from "../lib/services.ts";
import { SerialQueue } from "../lib/serial-queue.ts";
import type { ApprovalRecord } from "../store/approvals.ts";
import { SYSTEM } from "../wire/names.ts";
import type { Agent } from "../agents/agent.ts";
import type { Deploys } from "./deploys.ts";
import { lookForDrift } from "./drift.ts";
import type { Requests } from "./requests.ts";
import type { DeployContext } from "./deploy-context.ts";

/**
 * How often everybody is compared with the ledger, beside after every deploy: what else changes one of them is a hand that
 * does so behind our back. Milliseconds.
 */
const DRIFT_LOOK_MS = 10 * 60_000;

/** How a rebuild was asked for. */
interface Asked {
  /** Also when nothing is stale. */
  always?: boolean;
  note?: string | undefined;
}

/** Whether an agent should be rebuilt: hyperhive has moved on, or it has never been locked. */
export function isStale(agent: Agent, revision: string): boolean {
  return agent.record.deployedSha === undefined || agent.record.hyperhive !== revision || agent.harness?.stale === true;
}

/**
 * Rebuilds what is stale, one agent at a time and never in mid-turn: a swarm never stands still as a whole. What could
 * not be rebuilt is left as it runs, and the manager hears of it; it is tried again by hand, or by the next daemon.
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
    context.bus.on("harness_outdated", (agent) => this.look(agent));
    context.bus.on("all_stopped", (isStopped) => {
      if (!isStopped) this.lookAtAll();
    });
    context.bus.on("harness_connected", async ({ agent, session }) => {
      if (session.generation !== agent.generation) await this.runOnce();
    });
  }

  /** Looks at everybody: now for what is stale, now and again for what has drifted. */
  start(): void {
    this.lookAtAll();
    const look = (): void => void this.runOnce().catch(this.#context.onUnexpected);
    look();
    this.#timer = setInterval(look, DRIFT_LOOK_MS);
    this.#timer.unref();
  }

  /** Compares every agent with the ledger. */
  async runOnce(): Promise<void> {
    await lookForDrift(this.#context);
  }

  /** Queues everybody who is stale. */
  lookAtAll(): void {
    for (const agent of this.#context.swarm.all()) this.look(agent);
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  /** Queues an agent that is stale. Once only: what failed is not tried for ever. */
  look(agent: Agent): void {
    if (this.#given.has(agent.id) || !isStale(agent, this.#context.revision)) return;
    this.#queue(agent, SYSTEM, {}).catch(() => {}); // the line that it waits in reports a failure
  }

  /**
   * Queues an agent for somebody; one that is not stale only when it is `always` rebuilt. Resolves with how its deploy
   * ended, or with nothing where there was none to make.
   */
  async ask(agent: Agent, by: string, { always = false, note }: Asked = {}): Promise<ApprovalRecord | undefined> {
    return always || isStale(agent, this.#context.revision) ? this.#queue(agent, by, { always, note }) : undefined;
  }

  #queue(agent: Agent, by: string, asked: Asked): Promise<ApprovalRecord | undefined> {
    this.#given.add(agent.id);
    const done = this.#updates.run(() => this.#update(agent, by, asked));
    done.catch(this.#context.onUnexpected);
    return done;
  }

  async #update(agent: Agent, by: string, { always = false, note }: Asked): Promise<ApprovalRecord | undefined> {
    if (this.#stopped || agent.destroyed || agent.deploying !== undefined) return;
    if (!always && !isStale(agent, this.#context.revision)) return;
    // Looked at again when everything has been started again.
    if (this.#context.allStop.isOn) {
      this.#given.delete(agent.id);
      return;
    }
    const description = by === SYSTEM ? "hyperhive has moved on" : undefined;
    const asked = await this.#requests.rebuild(agent, by, { description, note });
    const row = await this.#deploys.settled(asked.id);
    if (row.state === "deployed") this.#given.delete(agent.id);
    else if (!this.#stopped)
      await this.#context.announcements.announce({ event: "needs_update", agent: agent.name, reason: row.error ?? row.state });
    return row;
  }
}
