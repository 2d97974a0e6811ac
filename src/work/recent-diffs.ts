import { Recent } from "../lib/recent.ts";
import type { Sha } from "../wire/approval.ts";
import type { ChangeDiff } from "./diff.ts";

/**
 * Bytes of diffs that are kept, and how many of them: the changes that wait for an operator. Parsed, they take two to
 * three times as much memory.
 */
const KEPT = { bytes: 16 * 1024 * 1024, count: 32 };

type Read = (repo: string, from: Sha | undefined, to: Sha) => Promise<ChangeDiff>;

/**
 * The diffs that were read last. A change is opened soon after it was proposed, and again after each event: git reads a
 * large one for seconds.
 */
export class RecentDiffs {
  readonly #read: Read;
  readonly #recent = new Recent<ChangeDiff>(KEPT, ({ bytes }) => bytes);

  constructor(read: Read) {
    this.#read = read;
  }

  get(repo: string, from: Sha | undefined, to: Sha): Promise<ChangeDiff> {
    return this.#recent.get(`${repo} ${from ?? "-"} ${to}`, () => this.#read(repo, from, to));
  }
}
