/** A message as a harness of the campaign got it. */
export interface Delivery {
  inbox: string;
  id: number;
  body: string;
  redelivered: boolean;
}

interface Known {
  to: string;
  id: number | undefined;
  isAnswered: boolean;
  deliveries: number;
  isAcknowledged: boolean;
}

/**
 * The broker's guarantees in their simplest form: maps in one process, fed with what the campaign did and saw. It
 * collects violations instead of stopping at the first.
 */
export class Checker {
  readonly violations: string[] = [];
  readonly counts = { sent: 0, delivered: 0, redelivered: 0, acknowledged: 0 };
  readonly #byBody = new Map<string, Known>();
  /** By inbox: the newest message that was delivered for the first time. */
  readonly #newest = new Map<string, number>();

  /** A send is about to be tried, for the first time or again. */
  sending(body: string, to: string): void {
    if (!this.#byBody.has(body))
      this.#byBody.set(body, { to, id: undefined, isAnswered: false, deliveries: 0, isAcknowledged: false });
  }

  /** The daemon has answered a send. From now on the message must not be lost. */
  sent(body: string, id: number): void {
    const known = this.#byBody.get(body);
    if (!known) return this.#wrong(`an answer for ${body}, which was never sent`);
    if (known.id !== undefined && known.id !== id) this.#wrong(`${body} was stored twice, as ${known.id} and ${id}`);
    known.id = id;
    if (!known.isAnswered) this.counts.sent++;
    known.isAnswered = true;
  }

  delivered({ inbox, id, body, redelivered }: Delivery): void {
    const known = this.#byBody.get(body);
    if (!known) return this.#wrong(`${inbox} got ${id}, which nobody sent`);
    this.counts.delivered++;
    if (redelivered) this.counts.redelivered++;
    if (known.to !== inbox) this.#wrong(`${inbox} got ${id}, which is for ${known.to}`);
    if (known.id !== undefined && known.id !== id) this.#wrong(`${body} came as ${id} and is stored as ${known.id}`);
    known.id = id;
    if (known.isAcknowledged) this.#wrong(`${id} came again after it was acknowledged`);
    if (known.deliveries > 0 && !redelivered) this.#wrong(`${id} came again and was not marked as redelivered`);
    if (!redelivered) {
      const newest = this.#newest.get(inbox) ?? 0;
      if (id <= newest) this.#wrong(`${inbox} got ${id} after ${newest}`);
      this.#newest.set(inbox, Math.max(id, newest));
    }
    known.deliveries++;
  }

  /** The daemon has acknowledged the end of a turn. The message must not be delivered again. */
  acknowledged(body: string): void {
    const known = this.#byBody.get(body);
    if (known && !known.isAcknowledged) this.counts.acknowledged++;
    if (known) known.isAcknowledged = true;
  }

  /** Number of confirmed messages that have not been delivered yet. */
  get missing(): number {
    let missing = 0;
    for (const known of this.#byBody.values()) if (known.isAnswered && known.deliveries === 0) missing++;
    return missing;
  }

  /** Call at the end, when every inbox is empty. */
  finish(): string[] {
    if (this.missing > 0) this.#wrong(`${this.missing} messages were acknowledged to their sender and never came`);
    return this.violations;
  }

  #wrong(words: string): void {
    this.violations.push(words);
  }
}
