/**
 * How often changed inboxes are told at most: a first change at once, those of a storm together. Readers see no more (a
 * screen shows 60 pictures a second), and told with every commit they were a part of every send. Milliseconds.
 */
const TELL_EVERY_MS = 16;

/** Inboxes that have changed: told of after whoever waits has been answered, each once however much has come. */
export class ChangedInboxes {
  readonly #inboxes = new Set<string>();
  #listener: (inbox: string) => void = () => {};
  #toldAt = -TELL_EVERY_MS;
  #timer: NodeJS.Timeout | undefined;

  onChange(listener: (inbox: string) => void): void {
    this.#listener = listener;
  }

  add(inbox: string): void {
    if (this.#inboxes.size === 0) {
      const wait = this.#toldAt + TELL_EVERY_MS - performance.now();
      if (wait <= 0) setImmediate(() => this.#tell());
      else this.#timer = setTimeout(() => this.#tell(), wait);
    }
    this.#inboxes.add(inbox);
  }

  #tell(): void {
    this.#toldAt = performance.now();
    const inboxes = [...this.#inboxes];
    this.#inboxes.clear();
    for (const one of inboxes) this.#listener(one);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
