/** A message that the running turn holds. */
interface Lease {
  id: number;
  token: string;
  from: string;
}

/** What this harness holds: told to each new daemon, and forgotten with the turn. */
export class Leases {
  #held: Lease[] = [];

  add(lease: Lease): void {
    this.#held.push(lease);
  }

  /** As they are presented in a hello. */
  list(): { id: number; token: string }[] {
    return this.#held.map(({ id, token }) => ({ id, token }));
  }

  /** Drops what the daemon does not honour any more. */
  keep(honoured: readonly { id: number }[]): void {
    this.#held = this.#held.filter((lease) => honoured.some((one) => one.id === lease.id));
  }

  /** The newest message of this turn from a sender. */
  from(sender: string): number | undefined {
    return this.#held.findLast((lease) => lease.from === sender)?.id;
  }

  clear(): void {
    this.#held = [];
  }
}
