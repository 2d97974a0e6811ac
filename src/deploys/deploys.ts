import { growingPauses, type PauseRange } from "../lib/pauses.ts";
import { SerialQueue } from "../lib/serial-queue.ts";
import { stateOf } from "../agents/agent.ts";
import type { ApprovalRecord } from "../store/approvals.ts";
import { HiveError } from "../wire/error.ts";
import { SYSTEM } from "../wire/names.ts";
import type { RequestStore } from "./request-store.ts";
import { requestCan, type RequestEvent } from "../wire/request-states.ts";
import { tidyUp } from "./leftover.ts";
import { tagMoment } from "./projection.ts";
import { finishDeploy, tagEnd } from "./finish.ts";
import { STEPS } from "./steps/index.ts";
import type { AnyStep, Deploy, Found } from "./steps/step.ts";
import type { DeployContext } from "./deploy-context.ts";

/** Pauses between two attempts to store the end of a deploy. */
const PERSIST: PauseRange = { firstMs: 50, mostMs: 10_000 };
/** The maximum characters of a failure message in a row, a tag and a notice. */
const MAX_ERROR_CHARS = 8_000;
/** The reason for a deploy that was abandoned because the operator stopped everything. */
const ALL_STOPPED = "everything was stopped before the deploy was done: start what ran, then ask again";

/** The event with which a request enters the state of a step. */
const ENTERS: Record<string, RequestEvent> = { building: "build", waiting: "built", activating: "activate" };

/**
 * Carries out approved requests: runs the steps in order and undoes them in reverse on a failure. An agent has one
 * deploy at a time. Different agents' deploys run in parallel.
 */
export class Deploys {
  readonly #context: DeployContext;
  readonly #requestStore: RequestStore;
  /** The deploys of each agent. */
  readonly #queues = new Map<string, SerialQueue>();
  readonly #running = new Map<number, Deploy>();
  readonly #results = new Map<number, Promise<ApprovalRecord>>();
  readonly #given = new Map<number, AbortController>();
  readonly #ended = new AbortController();

  constructor(context: DeployContext, requestStore: RequestStore) {
    this.#context = context;
    this.#requestStore = requestStore;
    context.bus.on("all_stopped", (isStopped) => {
      if (isStopped) this.#giveUp();
    });
  }

  /** Queues an approved request behind the other deploys of its agent. Resolves with the ended request. Does not reject for a failed deploy. */
  run(row: ApprovalRecord): Promise<ApprovalRecord> {
    const queue = this.#queues.get(row.name) ?? new SerialQueue();
    this.#queues.set(row.name, queue);
    const done = queue.run(() => this.#carryOut(row.id));
    this.#results.set(row.id, done);
    void done.catch(this.#context.onUnexpected).finally(() => {
      this.#results.delete(row.id);
      if (queue.isEmpty) this.#queues.delete(row.name);
    });
    return done;
  }

  /** Resolves with the request when its deploy has ended. */
  async finished(id: number): Promise<ApprovalRecord> {
    return (await this.#results.get(id)) ?? this.#requestStore.get(id);
  }

  /** Stops waiting for the running turn. */
  force(id: number): void {
    const row = this.#requestStore.get(id);
    const deploy = this.#running.get(id);
    if (!deploy || !requestCan(row, "force"))
      throw new HiveError("conflict", `request ${id} does not wait for a turn: there is nothing to force`);
    deploy.forced.abort();
  }

  /** Ends a build. Its failure says who cancelled it and why. Resolves when the request has ended. */
  async cancelBuild(id: number, by: string, note: string | undefined): Promise<ApprovalRecord> {
    this.#given.get(id)?.abort(new Error(`${by} cancelled the build${note === undefined ? "" : `: ${note}`}`));
    return this.finished(id);
  }

  /** Abandons every deploy that the ledger does not contain yet, because everything is stopped. */
  #giveUp(): void {
    for (const stopped of this.#given.values()) stopped.abort(new Error(ALL_STOPPED));
  }

  /** Abandons the deploys that can be abandoned, and waits for the others. The next daemon finishes the rest. */
  async stop(): Promise<void> {
    this.#ended.abort(new Error("the daemon was stopped before the deploy was done"));
    await Promise.allSettled(this.#results.values());
  }

  async #carryOut(id: number): Promise<ApprovalRecord> {
    const stopped = new AbortController();
    if (this.#context.allStop.isOn) stopped.abort(new Error(ALL_STOPPED));
    this.#given.set(id, stopped);
    const deploy: Deploy & Found = {
      context: this.#context,
      requestStore: this.#requestStore,
      id,
      row: this.#requestStore.get(id),
      ended: AbortSignal.any([this.#ended.signal, stopped.signal]),
      forced: new AbortController(),
    };
    this.#running.set(id, deploy);
    const done: AnyStep[] = [];
    try {
      for (const step of STEPS) {
        await this.#context.failpoint(`before:${step.name}`);
        await this.#enter(deploy, step);
        done.push(step);
        const keep = (found: Found): void => void Object.assign(deploy, found);
        keep(await step.do(deploy as never, keep));
      }
    } catch (error) {
      if (!(await this.#isPublished(deploy))) return await this.#fail(deploy, done, error);
      this.#context.onUnexpected(error);
    } finally {
      this.#running.delete(id);
      this.#given.delete(id);
    }
    return this.#finish(deploy);
  }

  /** Moves the request into the state of a step, and updates the tags. */
  async #enter(deploy: Deploy & Found, step: AnyStep): Promise<void> {
    const { context, requestStore, row } = deploy;
    if (row.state === step.state) return;
    deploy.ended.throwIfAborted();
    const event = ENTERS[step.state];
    if (event === undefined) throw new Error(`no event enters ${step.state}`);
    const patch: Partial<ApprovalRecord> =
      event === "build" ? { building_at: context.now() } : { candidate: deploy.candidate ?? null, hyperhive: context.revision };
    deploy.row = await context.store.write((tx) => requestStore.move(tx, row.id, event, SYSTEM, patch));
    if (event === "build") await tagMoment(context, deploy.row, "building");
    if (deploy.agent) context.bus.emit("changed", deploy.agent);
  }

  /**
   * True if the ledger contains this deploy. An error may have come after it was published. Rejects if the ledger
   * cannot be read. The request then stays as it is, and the next daemon finishes it, because a published deploy must
   * not be undone.
   */
  async #isPublished(deploy: Deploy): Promise<boolean> {
    if (deploy.row.state !== "activating" || deploy.row.candidate === null) return false;
    return this.#context.repos.meta.contains(deploy.row.candidate);
  }

  /** Undoes the completed steps, newest first, and ends the request with the failure message. */
  async #fail(deploy: Deploy & Found, done: AnyStep[], error: unknown): Promise<ApprovalRecord> {
    const { context, requestStore, id } = deploy;
    let words = messageOf(error);
    // Not every program reports a full disk. Undoing needs room too, and this check frees some.
    if (context.disk.checkAfter(error)) words = `the disk is full: free some room and try again\n${words}`;
    for (const step of done.reverse()) {
      try {
        await step.undo?.(deploy as never);
      } catch (problem) {
        words += `\nand ${step.name} could not be undone: ${messageOf(problem)}`;
        context.onUnexpected(problem);
      }
    }
    const patch = { error: words.slice(0, MAX_ERROR_CHARS) };
    // Set the tag first, because readers that the row notifies read the tag at once. The next start sets a missing tag.
    await tagEnd(context, { ...requestStore.get(id), ...patch, state: "failed" }).catch(context.onUnexpected);
    return this.#persist(() =>
      context.store.write((tx) => requestStore.move(tx, id, "fail", SYSTEM, { ...patch, resolved_at: context.now() })),
    );
  }

  /** Finishes a published deploy, and returns the agent to its earlier state. */
  async #finish(deploy: Deploy & Found): Promise<ApprovalRecord> {
    const { context, requestStore, agent } = deploy;
    if (!agent) throw new Error("a published deploy without its agent");
    let failpoint = context.failpoint;
    const row = await this.#persist(() => {
      const once = failpoint;
      // The failpoint applies only to the first attempt.
      failpoint = async () => {};
      return finishDeploy(context, requestStore, deploy.row, agent, once);
    });
    await context.failpoint("before:leave").catch(context.onUnexpected);
    const where = deploy.was ?? "running";
    const stays = row.kind === "spawn" ? "running" : where;
    await context.cages
      .restore(agent, stays, { keepsRunning: true, reason: "restored after a deploy" })
      .catch(context.onUnexpected);
    context.harnesses.unhold(agent);
    stateOf(agent).deploy.request = undefined;
    context.bus.emit("changed", agent);
    await tidyUp(context, requestStore, agent, row).catch(context.onUnexpected);
    await context.failpoint("end").catch(context.onUnexpected);
    return row;
  }

  /** Retries until it succeeds or the daemon stops, so that a full disk only delays it. */
  async #persist<T>(act: () => Promise<T>): Promise<T> {
    const pauses = growingPauses(PERSIST);
    for (let tries = 1; ; tries++) {
      try {
        return await act();
      } catch (error) {
        if (this.#ended.signal.aborted && tries > 1) throw error;
        this.#context.disk.checkAfter(error);
        this.#context.onUnexpected(error);
      }
      // The first retry is immediate, because the disk reserve has just been freed.
      if (tries > 1) await new Promise((resolve) => setTimeout(resolve, pauses.next().value));
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
