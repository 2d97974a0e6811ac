import type { Store } from "../store/store.ts";

/** Messages taken in by one commit: a few milliseconds of the one thread. */
const BATCH = 500;
/** Batches that a search waits for before it answers with what there is. */
const CATCH_UP_BATCHES = 4;
/** Quiet after the last message before it is taken in: a storm is indexed in groups. Milliseconds. */
const QUIET_MS = 250;
const UP_TO = "search_up_to";

/**
 * Fills the full-text index behind the messages: never in the commit of a message, and never in the way of one. Where
 * it stopped is stored with what it took in, so a crash costs nothing but doing the last batch again.
 */
export class SearchIndex {
  readonly #store: Pick<Store, "search" | "meta" | "write">;
  readonly #onUnexpected: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<boolean> | undefined;
  #isStopped = false;

  constructor(store: Pick<Store, "search" | "meta" | "write">, onUnexpected: (error: unknown) => void) {
    this.#store = store;
    this.#onUnexpected = onUnexpected;
  }

  /** A message was stored; soon it will be found. */
  touched(): void {
    if (this.#timer || this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#runToEnd();
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

  async #runToEnd(): Promise<void> {
    try {
      while (!this.#isStopped && (await this.#batch()));
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
