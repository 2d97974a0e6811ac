interface Waiting {
  key: string;
  start(): void;
}

/** How much waits at once: in all, and for one key. */
interface WaitLimits {
  most: number;
  mostPerKey: number;
  /** Why more is refused. */
  full(key: string): Error;
}

/**
 * Bounds how much runs at once: `most` in all, `mostPerKey` for one key, so that one caller leaves room for the others.
 * Waiting work starts in the order in which it came, as far as its key has room. More than `waiting` allows
 * is refused; without it, the callers bound how much can wait.
 */
export class Slots {
  readonly #most: number;
  readonly #mostPerKey: number;
  readonly #waits: WaitLimits | undefined;
  readonly #running = new Map<string, number>();
  readonly #waiting: Waiting[] = [];
  #all = 0;

  constructor(options: { most: number; mostPerKey: number; waiting?: WaitLimits }) {
    this.#most = options.most;
    this.#mostPerKey = options.mostPerKey;
    this.#waits = options.waiting;
  }

  /** Runs the work once there is room. `ended` takes it out of the line again: it rejects with the signal's reason. */
  async run<T>(key: string, ended: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#enter(key, ended);
    try {
      return await work();
    } finally {
      this.#leave(key);
    }
  }

  #enter(key: string, ended: AbortSignal): Promise<void> {
    ended.throwIfAborted();
    if (this.#waits && this.#isFull(key, this.#waits)) return Promise.reject(this.#waits.full(key));
    return new Promise((resolve, reject) => {
      const onEnd = (): void => {
        const at = this.#waiting.indexOf(one);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(ended.reason as Error);
      };
      const one: Waiting = {
        key,
        start: () => {
          ended.removeEventListener("abort", onEnd);
          resolve();
        },
      };
      ended.addEventListener("abort", onEnd, { once: true });
      this.#waiting.push(one);
      this.#startSome();
    });
  }

  #isFull(key: string, { most, mostPerKey }: WaitLimits): boolean {
    const ofKey = this.#waiting.filter((other) => other.key === key);
    return this.#waiting.length >= most || ofKey.length >= mostPerKey;
  }

  #leave(key: string): void {
    this.#all--;
    const left = (this.#running.get(key) ?? 1) - 1;
    if (left > 0) this.#running.set(key, left);
    else this.#running.delete(key);
    this.#startSome();
  }

  #startSome(): void {
    while (this.#all < this.#most) {
      const at = this.#waiting.findIndex(({ key }) => (this.#running.get(key) ?? 0) < this.#mostPerKey);
      const [one] = at < 0 ? [] : this.#waiting.splice(at, 1);
      if (!one) return;
      this.#all++;
      this.#running.set(one.key, (this.#running.get(one.key) ?? 0) + 1);
      one.start();
    }
  }
}
