/**
 * Who is told when a connection ends. Each connection is listened to once, however often somebody waits on it: adding and
 * removing a listener with every wait was a twentieth of the way from a message to whoever waited for it.
 */
export class Ends {
  readonly #told = new WeakMap<AbortSignal, Set<() => void>>();

  /** Calls `gone` once when the connection ends, unless it is forgotten before. */
  tell(ended: AbortSignal, gone: () => void): void {
    const known = this.#told.get(ended);
    if (known) return void known.add(gone);
    const told = new Set([gone]);
    this.#told.set(ended, told);
    ended.addEventListener("abort", () => told.forEach((one) => one()), { once: true });
  }

  forget(ended: AbortSignal, gone: () => void): void {
    this.#told.get(ended)?.delete(gone);
  }
}
