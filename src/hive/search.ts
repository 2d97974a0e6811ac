import type { Store } from "../store/store.ts";

/** Messages taken in by one commit: a few milliseconds of the one thread. */
const BATCH = 500;
/** Batches that a search waits for before it answers with what there is. */
const CATCH_UP_BATCHES = 4;
/** Quiet after the last message before it is taken in, and between two batches: a batch holds up the senders that
 * share its commit, so a storm is waited out. Milliseconds. */
const QUIET_MS = 250;
/** The longest that a storm is waited out; a search takes in what is missing by itself. Milliseconds. */
const MAX_LAG_MS = 10_000;
const UP_TO = "search_up_to";

/**
 * Fills the full-text index behind the messages: never in the commit of a message, and never in the way of one. Where
 * it stopped is stored with what it took in, so a crash costs nothing but doing the last batch again.
 */
export class SearchIndex {
  readonly #store: Pick<Store, "search" | "meta" | "write">;
  readonly #onUnexpected: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  /** Since when something waits to be taken in. */
  #waitingSince = 0;
  #running: Promise<boolean> | undefined;
  #isStopped = false;

  constructor(store: Pick<Store, "search" | "meta" | "write">, onUnexpected: (error: unknown) => void) {
    this.#store = store;
    this.#onUnexpected = onUnexpected;
  }

  /** A message was stored; soon it will be found. */
  touched(): void {
    if (this.#isStopped) return;
    if (!this.#timer) return this.#arm();
    if (performance.now() - this.#waitingSince < MAX_LAG_MS) this.#timer.refresh();
  }

  #arm(): void {
    this.#waitingSince = performance.now();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#takeIn().catch(this.#onUnexpected);
    }, QUIET_MS);
    this.#timer.unref();
  }

  /** Takes in what is missing, as far as a reader can wait for it. True when nothing is missing. */
  async catchUp(): Promise<boolean> {
    for (let n = 0; n < CATCH_UP_BATCHES; n++) if (!(await this.#batch())) return true;
    this.touched();
    return false;
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** One batch; the rest after a pause. */
  async #takeIn(): Promise<void> {
    try {
      const isMore = await this.#batch();
      if (isMore && !this.#timer && !this.#isStopped) this.#arm();
    } catch (error) {
      if (!this.#isStopped) this.#onUnexpected(error);
    }
  }

  /** One batch at a time, whoever asks. True when there may be more. */
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
