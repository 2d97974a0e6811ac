type Subscriber<Event> = (event: Event) => void | Promise<void>;

/**
 * Passes events to the parts that subscribe to them, in the order of their subscription. An error in a subscriber is
 * reported and does not keep the event from the others. Emit an event only after what it reports is committed.
 */
export class Bus<Events extends object> {
  readonly #subscribers = new Map<keyof Events, Subscriber<never>[]>();
  readonly #onUnexpected: (error: unknown) => void;

  constructor(onUnexpected: (error: unknown) => void) {
    this.#onUnexpected = onUnexpected;
  }

  on<Name extends keyof Events>(name: Name, subscriber: Subscriber<Events[Name]>): void {
    const subscribers = this.#subscribers.get(name);
    if (subscribers) subscribers.push(subscriber);
    else this.#subscribers.set(name, [subscriber]);
  }

  /** Calls every subscriber now. Does not wait for asynchronous ones. */
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const subscriber of this.#of(name)) void this.#call(subscriber, event);
  }

  /** Calls every subscriber now and resolves when all have finished. Never rejects. */
  async emitAndWait<Name extends keyof Events>(name: Name, event: Events[Name]): Promise<void> {
    await Promise.all(this.#of(name).map(async (subscriber) => this.#call(subscriber, event)));
  }

  #of<Name extends keyof Events>(name: Name): readonly Subscriber<Events[Name]>[] {
    return (this.#subscribers.get(name) ?? []) as Subscriber<Events[Name]>[];
  }

  /** Not an `async` function: a message passes here several times, and most subscribers are synchronous. */
  #call<Event>(subscriber: Subscriber<Event>, event: Event): Promise<void> | undefined {
    try {
      // A function without a result to TypeScript may still return a value.
      const finished: unknown = subscriber(event);
      return finished instanceof Promise ? finished.catch(this.#onUnexpected) : undefined;
    } catch (error) {
      this.#onUnexpected(error);
      return undefined;
    }
  }
}
