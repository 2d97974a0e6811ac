import { EXIT, Failure, interruptedBy } from "./exit.ts";

/** The signals with which a terminal or a supervisor ends a waiting program. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * How long a verb waits: until it finishes, until --timeout passes, or until it is interrupted. The daemon continues
 * the work that a verb stops waiting for. Signals are handled only while a verb has said what it waits for; otherwise
 * they end the process as usual.
 */
export class WaitLimit {
  readonly #over: Promise<never>;
  #giveUp: (failure: Failure) => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  #advice = "";
  /** True once the wait was given up. Connections of the verb may still be open. */
  isOver = false;

  constructor(seconds: number | undefined) {
    this.#over = new Promise<never>((_, reject) => {
      this.#giveUp = (failure) => {
        this.isOver = true;
        reject(failure);
      };
    });
    // Without a running verb nothing handles the rejection.
    this.#over.catch(() => {});
    if (seconds !== undefined)
      this.#timer = setTimeout(
        () => this.#giveUp(new Failure(EXIT.timeout, "timeout", `not done after ${seconds} s${this.#advice}`)),
        seconds * 1000,
      );
  }

  /** Resolves as the verb does. Rejects if the wait is given up first. */
  race<T>(verb: Promise<T>): Promise<T> {
    // Ignore a failure after the wait was given up.
    verb.catch(() => {});
    return Promise.race([verb, this.#over]);
  }

  /** Sets what to print if the wait is given up from now on. */
  waitsFor(advice: string): void {
    const isFirst = this.#advice === "";
    this.#advice = `: ${advice}`;
    if (isFirst) for (const signal of SIGNALS) process.on(signal, this.#interrupt);
  }

  readonly #interrupt = (signal: (typeof SIGNALS)[number]): void =>
    this.#giveUp(new Failure(interruptedBy(signal), "interrupted", `interrupted${this.#advice}`));

  end(): void {
    clearTimeout(this.#timer);
    for (const signal of SIGNALS) process.off(signal, this.#interrupt);
  }
}
