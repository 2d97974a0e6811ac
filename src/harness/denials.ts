/** Denied connections that one tool call tells of. The agent's tail and the daemon's table have the others. */
const MOST_TOLD = 10;

/** The connections that the hive has denied since they were last told, each once. */
export class Denials {
  readonly #words = new Set<string>();

  add(words: string): void {
    if (this.#words.size < MOST_TOLD) this.#words.add(words);
  }

  /** The words for a tool's result, which are then told. Undefined if nothing was denied. */
  take(): string | undefined {
    if (this.#words.size === 0) return undefined;
    const words = `denied during this call: ${[...this.#words].join("; ")}`;
    this.#words.clear();
    return words;
  }
}
