import { randomBytes, timingSafeEqual } from "node:crypto";

/** How long a token of the operator's git holds. Milliseconds. */
const TOKEN_MS = 10 * 60_000;
/** Tokens that hold at a time: a git call uses one or two. The oldest one ends earlier. */
const MAX_TOKENS = 1_000;
const TOKEN_BYTES = 32;

interface Token {
  repo: string;
  secret: Buffer;
  expiresAt: number;
}

/** Tokens with which the operator's git reads and writes one repository over HTTP. They are only in memory. */
export class RepoTokens {
  readonly #now: () => number;
  #tokens: Token[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  /** A new token for a repository. */
  issue(repo: string): { token: string; expiresAt: number } {
    const secret = randomBytes(TOKEN_BYTES);
    const expiresAt = this.#now() + TOKEN_MS;
    this.#tokens = [...this.#valid(), { repo, secret, expiresAt }].slice(-MAX_TOKENS);
    return { token: secret.toString("base64url"), expiresAt };
  }

  /** True if the token was issued for this repository and holds. Takes the same time for every wrong token. */
  holds(repo: string, token: string): boolean {
    const given = Buffer.alloc(TOKEN_BYTES);
    Buffer.from(token.slice(0, 2 * TOKEN_BYTES), "base64url").copy(given);
    return this.#valid().filter((one) => timingSafeEqual(one.secret, given) && one.repo === repo).length > 0;
  }

  #valid(): Token[] {
    const now = this.#now();
    return this.#tokens.filter(({ expiresAt }) => expiresAt > now);
  }
}
