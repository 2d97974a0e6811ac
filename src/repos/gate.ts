/**
 * Many who change something side by side, or one who wants everything to stand still. Who asks for stillness waits until
 * the changes that are under way are through; what comes meanwhile waits until the stillness is over.
 */
export class Gate {
  #changing = 0;
  #stillness: Promise<void> | undefined;
  #quiet: (() => void) | undefined;

  /** Makes a change. */
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

  /** Does something while nothing changes. One after the other. */
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
