import { createHash, randomBytes } from "node:crypto";
import { Moment } from "../../lib/timers.ts";

/** How long a challenge can be answered: time to find a key and a finger. Milliseconds. */
export const CHALLENGE_MS = 2 * 60_000;
/**
 * Open challenges of one log-in: what a few pages ask at once. The oldest one ends earlier. Counted for each log-in, so
 * that a stolen one does not end those of its operator.
 */
const MAX_CHALLENGES = 16;
/** 256 bits: cannot be guessed. */
const CHALLENGE_BYTES = 32;

/** Whose challenge it is: an operator, and the log-in of the page that asked. */
export interface Asker {
  operator: string;
  login: string;
}

/** What the answer to a challenge does: it adds a passkey, or confirms one call. */
export type Purpose = "add" | { call: string };

interface Challenge extends Asker {
  purpose: string;
  expires: Moment;
}

const words = (purpose: Purpose): string => (purpose === "add" ? "add" : `call ${purpose.call}`);

/** Open challenges. They are only in memory: after a restart a page asks for a new one. */
export class Challenges {
  readonly #now: () => number;
  readonly #open = new Map<string, Challenge>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** A new challenge, in base64url. */
  issue(asker: Asker, purpose: Purpose): string {
    for (const [challenge, { expires }] of this.#open) if (expires.hasCome) this.#open.delete(challenge);
    const own = [...this.#open].filter(([, one]) => one.operator === asker.operator && one.login === asker.login);
    if (own.length >= MAX_CHALLENGES) this.#open.delete(own[0]?.[0] ?? "");
    const challenge = randomBytes(CHALLENGE_BYTES).toString("base64url");
    const { operator, login } = asker;
    this.#open.set(challenge, {
      operator,
      login,
      purpose: words(purpose),
      expires: new Moment(this.#now() + CHALLENGE_MS, this.#now),
    });
    return challenge;
  }

  /** True once for a challenge that was issued to this log-in for this purpose and has not expired. It is used up in any case. */
  take(challenge: string, asker: Asker, purpose: Purpose): boolean {
    const known = this.#open.get(challenge);
    this.#open.delete(challenge);
    return (
      known !== undefined &&
      !known.expires.hasCome &&
      known.operator === asker.operator &&
      known.login === asker.login &&
      known.purpose === words(purpose)
    );
  }

  /** Ends the challenges of an operator who was removed. */
  endOf(operator: string): void {
    for (const [challenge, one] of this.#open) if (one.operator === operator) this.#open.delete(challenge);
  }
}

/** The digest of one call: the operation and its whole input, whatever the order of its keys. */
export function digestOf(operation: string, input: object): string {
  const sorted = JSON.stringify(input, (_, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return createHash("sha256").update(`${operation}\n${sorted}`).digest("base64url");
}
