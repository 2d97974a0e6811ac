import { growingPauses, type PauseRange } from "../../lib/pauses.ts";

/** Pauses of a queue while the disk is full. The first retry is immediate, because the reserve was just freed. */
const DISK_PAUSES: PauseRange = { firstMs: 1_000, mostMs: 60_000 };

/** Pauses of a queue while its upstream does not answer. */
const UPSTREAM_PAUSES: PauseRange = { firstMs: 5_000, mostMs: 5 * 60_000 };

/** The merge queue of one base, while it works. What it remembers is lost with the daemon, and that is fine. */
export class Lane {
  readonly repo: string;
  readonly base: string;
  /** Resolves when nothing is left to do. Undefined while it is idle. */
  working: Promise<void> | undefined;
  /** Attempts of each change that lost the race for the base, and those that failed for an unknown reason. */
  readonly lost = new Map<number, number>();
  readonly failed = new Set<number>();
  /** Aborts when the daemon stops, and when the repository is removed. */
  readonly ended: AbortSignal;
  readonly #removed = new AbortController();
  /** The change whose attempt runs, and what ends it. */
  #attempt: { id: number; interrupt: AbortController } | undefined;
  #pauses: Generator<number, never> | undefined;
  #upstreamPauses: Generator<number, never> | undefined;
  #wake: (() => void) | undefined;

  constructor(repo: string, base: string, ended: AbortSignal) {
    this.repo = repo;
    this.base = base;
    this.ended = AbortSignal.any([ended, this.#removed.signal]);
  }

  /** Forgets the failures of a change. */
  forget(id: number): void {
    this.lost.delete(id);
    this.failed.delete(id);
    this.#pauses = undefined;
  }

  /** Waits for room on the disk: not at all the first time, then longer and longer. `wake` ends it. */
  async untilRoom(): Promise<void> {
    if (this.#pauses === undefined) {
      this.#pauses = growingPauses(DISK_PAUSES);
      return;
    }
    await this.#wait(this.#pauses.next().value);
  }

  /** Waits before the upstream is asked again: longer and longer. `wake` ends it. */
  async untilAsked(): Promise<void> {
    if (this.ended.aborted) return;
    this.#upstreamPauses ??= growingPauses(UPSTREAM_PAUSES);
    await this.#wait(this.#upstreamPauses.next().value);
  }

  /** The upstream has answered. */
  answered(): void {
    this.#upstreamPauses = undefined;
  }

  async #wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }

  /** The attempt of a change begins. The signal aborts when it must end. */
  begin(id: number): AbortSignal {
    this.#attempt = { id, interrupt: new AbortController() };
    return AbortSignal.any([this.ended, this.#attempt.interrupt.signal]);
  }

  /** The change whose attempt runs, or ran last. */
  get current(): number | undefined {
    return this.#attempt?.id;
  }

  /** Ends the attempt that runs. Its change goes back into the queue, unless its base has moved already. */
  interrupt(reason: Error): void {
    this.#attempt?.interrupt.abort(reason);
  }

  get isInterrupted(): boolean {
    return this.#attempt?.interrupt.signal.aborted === true;
  }

  /** Ends what it does. */
  end(reason: Error): void {
    this.#removed.abort(reason);
    this.wake();
  }

  wake(): void {
    this.#wake?.();
  }
}
