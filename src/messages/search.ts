import type { Bus } from "../lib/bus.ts";
import type { Service } from "../lib/services.ts";
import type { Store } from "../store/store.ts";
import type { MessageEvents } from "./events.ts";

/** Messages indexed per commit. A batch takes a few milliseconds of the thread. */
const BATCH = 500;
/** Batches that a search waits for before it answers with partial results. */
const CATCH_UP_BATCHES = 4;
/**
 * Quiet time after the last message before indexing, and between two batches. A batch delays the senders that share its
 * commit, so indexing waits until a storm has ended. Milliseconds.
 */
const QUIET_MS = 250;
/** Longest wait for the end of a storm. A search indexes missing messages itself. Milliseconds. */
const MAX_LAG_MS = 10_000;
const UP_TO = "search_up_to";

export interface SearchIndexDeps {
  store: Pick<Store, "search" | "meta" | "write">;
  bus: Pick<Bus<MessageEvents>, "on">;
  onUnexpected(error: unknown): void;
}

/**
 * Fills the full-text index after messages commit, never in their commits. Its position is stored together with the
 * indexed words, so a crash only repeats the last batch.
 */
export class SearchIndex implements Service {
  readonly #store: Pick<Store, "search" | "meta" | "write">;
  readonly #onUnexpected: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  /** Since when messages wait to be indexed. */
  #waitingSince = 0;
  #running: Promise<boolean> | undefined;
  #isStopped = false;

  constructor({ store, bus, onUnexpected }: SearchIndexDeps) {
    this.#store = store;
    this.#onUnexpected = onUnexpected;
    bus.on("inbox_changed", () => this.start());
  }

  /** Indexes missing messages soon. */
  start(): void {
    if (this.#isStopped) return;
    if (!this.#timer) return this.#arm();
    if (performance.now() - this.#waitingSince < MAX_LAG_MS) this.#timer.refresh();
  }

  #arm(): void {
    this.#waitingSince = performance.now();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#indexNext().catch(this.#onUnexpected);
    }, QUIET_MS);
    this.#timer.unref();
  }

  /** Indexes missing messages, as far as a reader can wait. True if nothing is missing. */
  async catchUp(): Promise<boolean> {
    for (let n = 0; n < CATCH_UP_BATCHES; n++) if (!(await this.#batch())) return true;
    this.start();
    return false;
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Indexes one batch, and the rest after a pause. */
  async #indexNext(): Promise<void> {
    try {
      const isMore = await this.#batch();
      if (isMore && !this.#timer && !this.#isStopped) this.#arm();
    } catch (error) {
      if (!this.#isStopped) this.#onUnexpected(error);
    }
  }

  /** Runs one batch at a time for all callers. True if there may be more. */
  #batch(): Promise<boolean> {
    this.#running ??= this.#store
      .write(() => {
        const { upTo, count } = this.#store.search.takeIn(Number(this.#store.meta.get(UP_TO) ?? 0), BATCH);
        if (count > 0) this.#store.meta.set(UP_TO, String(upTo));
        return count === BATCH;
      })
      .finally(() => (this.#running = undefined));
    return this.#running;
  }
}
