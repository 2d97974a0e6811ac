import type { Sha } from "../wire/approval.ts";
import type { ChangeDiff } from "./diff.ts";

/**
 * Bytes of diffs that are kept, and how many of them: the changes that wait for an operator. Parsed, they take two to
 * three times as much memory.
 */
const KEPT_BYTES = 16 * 1024 * 1024;
const KEPT = 32;

type Read = (repo: string, from: Sha | undefined, to: Sha) => Promise<ChangeDiff>;

/**
 * The diffs that were read last. What lies between two commits never changes, so they are never stale. A change is opened
 * soon after it was proposed, and again after each event: git reads a large one for seconds.
 */
export class RecentDiffs {
  readonly #read: Read;
  /** By repository and commits, the one that was used last at the end. */
  readonly #kept = new Map<string, ChangeDiff>();
  #bytes = 0;

  constructor(read: Read) {
    this.#read = read;
  }

  async get(repo: string, from: Sha | undefined, to: Sha): Promise<ChangeDiff> {
    const key = `${repo} ${from ?? "-"} ${to}`;
    const diff = this.#kept.get(key) ?? (await this.#read(repo, from, to));
    // It would drive out all others.
    if (diff.bytes > KEPT_BYTES) return diff;
    this.#drop(key);
    this.#kept.set(key, diff);
    this.#bytes += diff.bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= KEPT_BYTES && this.#kept.size <= KEPT) break;
      this.#drop(oldest);
    }
    return diff;
  }

  #drop(key: string): void {
    this.#bytes -= this.#kept.get(key)?.bytes ?? 0;
    this.#kept.delete(key);
  }
}
