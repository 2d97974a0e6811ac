/** Runs steps one after the other, in the order in which they are given. A step that fails does not stop the next. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Resolves or rejects as the step does, once every earlier step has ended. */
  run<T>(step: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const result = this.#last.then(step);
    const ended = (): void => void this.#waiting--;
    // The caller has `result`.
    this.#last = result.then(ended, ended);
    return result;
  }

  /** True while no step runs or waits. */
  get isEmpty(): boolean {
    return this.#waiting === 0;
  }
}
