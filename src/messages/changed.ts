/**
 * Minimum time between two reports of changed inboxes. The first change is reported at once, later ones together. A
 * screen shows 60 frames a second, and a report per commit was a measurable part of every send. Milliseconds.
 */
const REPORT_EVERY_MS = 16;

/** Inboxes that have changed. Each is reported once, after the waiters have been answered. */
export class ChangedInboxes {
  readonly #inboxes = new Set<string>();
  readonly #report: (inbox: string) => void;
  #reportedAt = -REPORT_EVERY_MS;
  #timer: NodeJS.Timeout | undefined;

  constructor(report: (inbox: string) => void) {
    this.#report = report;
  }

  add(inbox: string): void {
    if (this.#inboxes.size === 0) {
      const wait = this.#reportedAt + REPORT_EVERY_MS - performance.now();
      if (wait <= 0) setImmediate(() => this.#flush());
      else this.#timer = setTimeout(() => this.#flush(), wait);
    }
    this.#inboxes.add(inbox);
  }

  #flush(): void {
    this.#reportedAt = performance.now();
    const inboxes = [...this.#inboxes];
    this.#inboxes.clear();
    for (const one of inboxes) this.#report(one);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
