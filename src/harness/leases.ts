/** The lease of a message in the running turn. */
interface Lease {
  id: number;
  token: string;
  from: string;
}

/** The leases of this harness. It presents them to each new daemon and clears them with the turn. */
export class Leases {
  #held: Lease[] = [];

  add(lease: Lease): void {
    this.#held.push(lease);
  }

  /** The leases in the form of a hello. */
  list(): { id: number; token: string }[] {
    return this.#held.map(({ id, token }) => ({ id, token }));
  }

  /** Drops the leases that the daemon no longer honours. */
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
