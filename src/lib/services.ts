/** A part that runs in the background. `runOnce`, where a service has it, does one round of its work for tests. */
export interface Service {
  start?(): unknown;
  stop?(): unknown;
}

/** Starts services in their order and stops them in reverse. */
export class Services {
  readonly #services: readonly Service[];
  readonly #onUnexpected: (error: unknown) => void;

  constructor(services: readonly Service[], onUnexpected: (error: unknown) => void) {
    this.#services = services;
    this.#onUnexpected = onUnexpected;
  }

  /** Each start finishes before the next one begins. Rejects with the first failure, and starts no more. */
  async start(): Promise<void> {
    for (const service of this.#services) await service.start?.();
  }

  /** Each stop finishes before the next one begins. A failure is reported and does not keep the others from stopping. */
  async stop(): Promise<void> {
    for (const service of this.#services.toReversed()) {
      try {
        await service.stop?.();
      } catch (error) {
        this.#onUnexpected(error);
      }
    }
  }
}
