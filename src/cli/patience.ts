import { EXIT, Failure, interruptedBy } from "./exit.ts";

/** The signals with which a terminal or a supervisor ends a program that waits. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * How long a verb waits: to its end, until --timeout passes, or until it is interrupted. What is given up goes on in the
 * daemon. Signals are heard only while a verb says what it waits for; else they end the process as usual.
 */
export class Patience {
  readonly #over: Promise<never>;
  #giveUp: (failure: Failure) => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  #advice = "";
  /** True once the verb was given up: its connections may still be open. */
  isOver = false;

  constructor(seconds: number | undefined) {
    this.#over = new Promise<never>((_, reject) => {
      this.#giveUp = (failure) => {
        this.isOver = true;
        reject(failure);
      };
    });
    // Nobody races it when no verb runs.
    this.#over.catch(() => {});
    if (seconds !== undefined)
      this.#timer = setTimeout(
        () => this.#giveUp(new Failure(EXIT.timeout, "timeout", `not done after ${seconds} s${this.#advice}`)),
        seconds * 1000,
      );
  }

  /** Resolves as the verb does; rejects when it is given up before. */
  race<T>(verb: Promise<T>): Promise<T> {
    // A verb that fails after it was given up has nothing more to say.
    verb.catch(() => {});
    return Promise.race([verb, this.#over]);
  }

  /** Says what goes on when the verb is given up from here on. */
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
