/** What has to be closed when a key ends, such as the open streams of a session. */
export class Closers<K> {
  readonly #byKey = new Map<K, Set<() => void>>();

  /** Runs `close` when the key ends. Returns a function that unregisters it. */
  whileValid(key: K, close: () => void): () => void {
    const closers = this.#byKey.get(key) ?? new Set();
    this.#byKey.set(key, closers);
    closers.add(close);
    return () => {
      closers.delete(close);
      if (closers.size === 0 && this.#byKey.get(key) === closers) this.#byKey.delete(key);
    };
  }

  endOf(key: K): void {
    for (const close of this.#byKey.get(key) ?? []) close();
  }
}
