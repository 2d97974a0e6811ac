/**
 * The open event streams of operators whom the trusted proxy logs in. They have no session that ends, so they end with
 * the operator and with its role.
 */
export class ProxiedStreams {
  readonly #closers = new Map<string, Set<() => void>>();

  /** Runs `close` when the operator is removed or gets another role. Returns a function that unregisters it. */
  whileValid(operator: string, close: () => void): () => void {
    const closers = this.#closers.get(operator) ?? new Set();
    this.#closers.set(operator, closers);
    closers.add(close);
    return () => {
      closers.delete(close);
      if (closers.size === 0 && this.#closers.get(operator) === closers) this.#closers.delete(operator);
    };
  }

  endOf(operator: string): void {
    for (const close of this.#closers.get(operator) ?? []) close();
  }
}
