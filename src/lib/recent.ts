/** How much is kept. What was used longest ago is given up first. */
interface Room {
  bytes: number;
  count: number;
}

/**
 * Keeps what was read last of things that never change, such as what lies between two commits, so it is never stale.
 * Readers of the same thing at the same time share one read. A read that fails is not kept.
 */
export class Recent<T> {
  readonly #room: Room;
  readonly #bytesOf: (value: T) => number;
  /** The one that was used last is at the end. */
  readonly #kept = new Map<string, T>();
  readonly #reading = new Map<string, Promise<T>>();
  #bytes = 0;

  constructor(room: Room, bytesOf: (value: T) => number) {
    this.#room = room;
    this.#bytesOf = bytesOf;
  }

  async get(key: string, read: () => Promise<T>): Promise<T> {
    const value = this.#kept.get(key) ?? (await this.#read(key, read));
    // It would drive out all others.
    if (this.#bytesOf(value) > this.#room.bytes) return value;
    this.#drop(key);
    this.#kept.set(key, value);
    this.#bytes += this.#bytesOf(value);
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#room.bytes && this.#kept.size <= this.#room.count) break;
      this.#drop(oldest);
    }
    return value;
  }

  #read(key: string, read: () => Promise<T>): Promise<T> {
    const reading = this.#reading.get(key) ?? read().finally(() => this.#reading.delete(key));
    this.#reading.set(key, reading);
    return reading;
  }

  #drop(key: string): void {
    const value = this.#kept.get(key);
    if (value === undefined) return;
    this.#bytes -= this.#bytesOf(value);
    this.#kept.delete(key);
  }
}
