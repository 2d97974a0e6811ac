/** Numbers of which each is used once at a time. Those who find none left get one in their order. */
export class Slots {
  readonly #free: number[];
  readonly #waiting: ((slot: number) => void)[] = [];

  constructor(count: number) {
    this.#free = Array.from({ length: count }, (_, index) => index);
  }

  /** Resolves with a free number. Rejects when `signal` aborts before there is one. */
  async take(signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    const free = this.#free.shift();
    if (free !== undefined) return free;
    return new Promise((resolve, reject) => {
      const got = (slot: number): void => {
        signal.removeEventListener("abort", aborted);
        resolve(slot);
      };
      const aborted = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(got), 1);
        reject(signal.reason as Error);
      };
      this.#waiting.push(got);
      signal.addEventListener("abort", aborted, { once: true });
    });
  }

  give(slot: number): void {
    const next = this.#waiting.shift();
    if (next) next(slot);
    else this.#free.push(slot);
  }
}
