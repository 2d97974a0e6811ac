import type { ChangeRecord } from "../../store/changes.ts";
import { vetoEnds } from "../policy.ts";
import type { WorkContext } from "../work-context.ts";

/**
 * Changes that a reviewer has approved wait here for the end of the time in which the operator may stop them. There is
 * one timer, for the earliest, and none while no change waits.
 */
export class Vetoes {
  readonly #context: WorkContext;
  readonly #enqueue: (id: number) => Promise<unknown>;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = true;

  constructor(context: WorkContext, enqueue: (id: number) => Promise<unknown>) {
    this.#context = context;
    this.#enqueue = enqueue;
  }

  /** Puts what the last daemon left into the queues, as far as its time is over. */
  async start(): Promise<void> {
    this.#isStopped = false;
    await this.runOnce();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Sets the timer for the earliest change that waits. */
  schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const dues = this.#waiting().map(vetoEnds);
    if (this.#isStopped || dues.length === 0) return;
    const ms = Math.max(0, dues.reduce((first, due) => Math.min(first, due)) - this.#context.now());
    this.#timer = setTimeout(() => void this.runOnce().catch(this.#context.onUnexpected), ms);
    this.#timer.unref();
  }

  /** Puts every change into its queue whose time is over. */
  async runOnce(): Promise<void> {
    const now = this.#context.now();
    for (const row of this.#waiting().filter((one) => vetoEnds(one) <= now)) {
      // It may have been stopped in this moment.
      await this.#enqueue(row.id).catch(this.#context.onUnexpected);
    }
    this.schedule();
  }

  #waiting(): ChangeRecord[] {
    // Others than a reviewer's as well: the daemon may have ended before they were queued.
    return this.#context.store.changes.open().filter(({ state }) => state === "approved");
  }
}
