import { randomBytes, timingSafeEqual } from "node:crypto";
import { HiveError } from "../wire/error.ts";

/** 192 bits: it cannot be guessed. It is only in the environment of one process. */
const NONCE_BYTES = 24;

/** An expected confirmation. */
export interface Expected {
  nonce: string;
  confirmed: Promise<void>;
  /** Stops waiting. */
  drop(): void;
}

/**
 * Confirmations of new generations. Each proves that it can run a turn, with a nonce that only it has, over its own
 * socket.
 */
export class Confirmations {
  readonly #waiting = new Map<string, { nonce: string; resolve: () => void; reject: (error: Error) => void }>();

  /** Expects the confirmation of an agent's next generation. Replaces an earlier expectation. */
  expect(agentId: string): Expected {
    const nonce = randomBytes(NONCE_BYTES).toString("base64url");
    let resolve!: () => void;
    let reject!: (error: Error) => void;
    const confirmed = new Promise<void>((done, failed) => {
      resolve = done;
      reject = failed;
    });
    // It may be refused before the trial waits for it.
    confirmed.catch(() => {});
    const entry = { nonce, resolve, reject };
    this.#waiting.set(agentId, entry);
    return {
      nonce,
      confirmed,
      drop: () => {
        if (this.#waiting.get(agentId) === entry) this.#waiting.delete(agentId);
      },
    };
  }

  /**
   * Confirms a generation, or rejects it with `cannotRun`. Throws `conflict` if no confirmation of this agent is
   * expected, or if the nonce differs.
   */
  confirm(agentId: string, nonce: string, cannotRun?: string): void {
    const entry = this.#waiting.get(agentId);
    const given = Buffer.from(nonce);
    const wanted = Buffer.from(entry?.nonce ?? "");
    if (!entry || given.length !== wanted.length || !timingSafeEqual(given, wanted))
      throw new HiveError("conflict", "no confirmation with this nonce is expected");
    this.#waiting.delete(agentId);
    if (cannotRun === undefined) entry.resolve();
    else entry.reject(new Error(`the new generation cannot run: ${cannotRun}`));
  }
}
