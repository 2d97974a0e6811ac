import { stderr } from "node:process";

/** A faster operation prints no progress. Milliseconds. */
const SOON_MS = 1_000;

/**
 * Reports on standard error the progress of an operation that takes longer than a second. A terminal gets a single line
 * that is redrawn; other outputs get a line for each step. End it before printing anything else.
 */
export class Progress {
  readonly #isSilent: boolean;
  readonly #startedAt = performance.now();
  #last = "";
  #isLineOpen = false;

  constructor(isSilent: boolean) {
    this.#isSilent = isSilent;
  }

  /** `step` is the current step, `far` its progress. */
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
