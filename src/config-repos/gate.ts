/**
 * A lock with many concurrent changes or one exclusive section. The exclusive section waits for running changes to end;
 * later changes wait for the section to end.
 */
export class Gate {
  #changing = 0;
  #stillness: Promise<void> | undefined;
  #quiet: (() => void) | undefined;

  /** Runs a change. */
  async change<T>(work: () => Promise<T>): Promise<T> {
    while (this.#stillness) await this.#stillness;
    this.#changing++;
    try {
      return await work();
    } finally {
      this.#changing--;
      if (this.#changing === 0) this.#quiet?.();
    }
  }

  /** Runs work while nothing changes. One at a time. */
  async still<T>(work: () => Promise<T>): Promise<T> {
    while (this.#stillness) await this.#stillness;
    let over = (): void => {};
    this.#stillness = new Promise<void>((resolve) => (over = resolve));
    try {
      if (this.#changing > 0) await new Promise<void>((resolve) => (this.#quiet = resolve));
      this.#quiet = undefined;
      return await work();
    } finally {
      this.#stillness = undefined;
      over();
    }
  }
}
