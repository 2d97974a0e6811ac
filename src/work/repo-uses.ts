/**
 * Keeps the removal of objects apart from everything that makes new references to objects, or copies them: a push, a fetch,
 * a proposal, a merge. Those run side by side; `alone` waits until none of them runs, and holds up new ones while it works. Reading
 * what is referenced needs no entry.
 */
export class RepoUses {
  readonly #uses = new Map<string, number>();
  readonly #alone = new Set<string>();
  readonly #waiting = new Map<string, (() => void)[]>();

  /** Runs work that refers to objects of a repository. Calls may be nested. Rejects with the reason of `ended`. */
  async during<T>(repo: string, work: () => Promise<T>, ended?: AbortSignal): Promise<T> {
    while (this.#alone.has(repo)) await this.#change(repo, ended);
    this.#uses.set(repo, (this.#uses.get(repo) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const left = (this.#uses.get(repo) ?? 1) - 1;
      if (left > 0) this.#uses.set(repo, left);
      else this.#uses.delete(repo);
      this.#changed(repo);
    }
  }

  /** Runs work while nothing else refers to objects of the repository. Rejects with the reason of `ended` if it waits. */
  async alone<T>(repo: string, work: () => Promise<T>, ended?: AbortSignal): Promise<T> {
    while (this.#alone.has(repo) || this.#uses.has(repo)) await this.#change(repo, ended);
    this.#alone.add(repo);
    try {
      return await work();
    } finally {
      this.#alone.delete(repo);
      this.#changed(repo);
    }
  }

  #change(repo: string, ended: AbortSignal | undefined): Promise<void> {
    ended?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const onEnd = (): void => reject(ended?.reason as Error);
      ended?.addEventListener("abort", onEnd, { once: true });
      const waiting = this.#waiting.get(repo) ?? [];
      this.#waiting.set(repo, waiting);
      waiting.push(() => {
        ended?.removeEventListener("abort", onEnd);
        resolve();
      });
    });
  }

  #changed(repo: string): void {
    const waiting = this.#waiting.get(repo) ?? [];
    this.#waiting.delete(repo);
    for (const wake of waiting) wake();
  }
}
