import { stderr } from "node:process";

/** What is done sooner needs no words. Milliseconds. */
const SOON_MS = 1_000;

/**
 * Tells on standard error how far something is that takes longer than a second: one line that is written anew on a
 * terminal, elsewhere a line when a step begins. Ended before anything else is printed.
 */
export class Progress {
  readonly #isSilent: boolean;
  readonly #startedAt = performance.now();
  #last = "";
  #isLineOpen = false;

  constructor(isSilent: boolean) {
    this.#isSilent = isSilent;
  }

  /** `step` is what is being done, `far` how far it is. */
  tell(step: string, far = ""): void {
    if (this.#isSilent || performance.now() - this.#startedAt < SOON_MS) return;
    if (stderr.isTTY) {
      stderr.write(`\r\u001B[K… ${step}${far === "" ? "" : ` ${far}`}`);
      this.#isLineOpen = true;
    } else if (step !== this.#last) stderr.write(`… ${step}\n`);
    this.#last = step;
  }

  end(): void {
    if (this.#isLineOpen) stderr.write("\r\u001B[K");
    this.#isLineOpen = false;
  }
}
