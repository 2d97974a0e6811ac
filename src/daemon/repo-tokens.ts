import { randomBytes, timingSafeEqual } from "node:crypto";

/** How long a token of the operator's git holds. Milliseconds. */
const TOKEN_MS = 10 * 60_000;
/** Tokens that hold at a time: a git call uses one or two. The oldest one ends earlier. */
const MAX_TOKENS = 1_000;
const TOKEN_BYTES = 32;
const TOKEN_CHARS = Math.ceil((TOKEN_BYTES * 4) / 3);

interface Token {
  repo: string;
  /** The token as it is sent. */
  secret: Buffer;
  /** The operator who asked for it. */
  operator: string;
  expiresAt: number;
}

/** Tokens with which the operator's git reads and writes one repository over HTTP. They are only in memory. */
export class RepoTokens {
  readonly #now: () => number;
  #tokens: Token[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  /** A new token of an operator for a repository. */
  issue(repo: string, operator: string): { token: string; expiresAt: number } {
    const token = randomBytes(TOKEN_BYTES).toString("base64url");
    const expiresAt = this.#now() + TOKEN_MS;
    this.#tokens = [...this.#valid(), { repo, operator, secret: Buffer.from(token), expiresAt }].slice(-MAX_TOKENS);
    return { token, expiresAt };
  }

  /**
   * The operator whose token this is, if it was issued for this repository and holds. Takes the same time for every wrong
   * token of its length.
   */
  holder(repo: string, token: string): string | undefined {
    const given = Buffer.from(token);
    // Every token has the same length, so it is no secret.
    if (given.length !== TOKEN_CHARS) return undefined;
    return this.#valid().filter((one) => timingSafeEqual(one.secret, given) && one.repo === repo)[0]?.operator;
  }

  /** Ends the tokens of an operator who was removed. */
  endOf(operator: string): void {
    this.#tokens = this.#tokens.filter((one) => one.operator !== operator);
  }

  #valid(): Token[] {
    const now = this.#now();
    return this.#tokens.filter(({ expiresAt }) => expiresAt > now);
  }
}
