import { randomBytes, timingSafeEqual } from "node:crypto";
import { HiveError } from "../wire/error.ts";

/** 192 bits: nobody guesses it, and it is in the environment of one process only. */
const NONCE_BYTES = 24;

/** A confirmation that is awaited. */
export interface Expected {
  nonce: string;
  confirmed: Promise<void>;
  /** Nobody waits any more. */
  drop(): void;
}

/** New generations prove that they can run a turn: with a nonce that only they were given, over their own socket. */
export class Confirmations {
  readonly #waiting = new Map<string, { nonce: string; resolve: () => void; reject: (error: Error) => void }>();

  /** Awaits the confirmation of an agent's next generation; an earlier one is awaited no more. */
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

  /** A harness confirms, or says why the generation cannot run. Refused when nothing is awaited of this agent, or the nonce is another's. */
  confirm(agentId: string, nonce: string, cannotRun?: string): void {
    const entry = this.#waiting.get(agentId);
    const given = Buffer.from(nonce);
    const wanted = Buffer.from(entry?.nonce ?? "");
    if (!entry || given.length !== wanted.length || !timingSafeEqual(given, wanted))
      throw new HiveError("conflict", "no confirmation with this nonce is awaited");
    this.#waiting.delete(agentId);
    if (cannotRun === undefined) entry.resolve();
    else entry.reject(new Error(`the new generation cannot run: ${cannotRun}`));
  }
}
