import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { HiveError } from "../wire/error.ts";
import { instant } from "../wire/instant.ts";
import type { Output } from "../wire/operations.ts";
import { Moment } from "./patience.ts";

/** How long a launch token can be used. Long enough to find the browser, short enough to be worthless in a log. */
const LAUNCH_TOKEN_MS = 15 * 60_000;
/** How long a browser stays logged in without being seen. */
const SESSION_IDLE_MS = 30 * 24 * 3600_000;
/** How often `last_seen_at` is written: it is for people, who read minutes. */
const SEEN_EVERY_MS = 60_000;
/** 256 bits: cannot be guessed. */
const TOKEN_BYTES = 32;
/** Launch tokens that may be open at once; the oldest goes first. */
const MAX_LAUNCH_TOKENS = 16;

/** A browser session as it is stored: never the secret, only its hash. */
export interface SessionRecord {
  id: number;
  hash: string;
  createdAt: number;
  lastSeenAt: number;
  userAgent: string;
}

export interface SessionStore {
  add(session: Omit<SessionRecord, "id">): Promise<SessionRecord>;
  live(): SessionRecord[];
  seen(id: number, at: number): void;
  revoke(id: number): Promise<void>;
}

const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("hex");

/**
 * The operator's door: one-time launch tokens that become browser sessions. Tokens live in memory only (a restart
 * prints a new one); sessions survive as hashes.
 */
export class Door {
  readonly #store: SessionStore;
  readonly #onUnexpected: (error: unknown) => void;
  readonly #now: () => number;
  readonly #launch = new Map<string, Moment>();
  readonly #sessions = new Map<string, SessionRecord>();
  readonly #onRevoked = new Map<number, Set<() => void>>();

  constructor(store: SessionStore, onUnexpected: (error: unknown) => void, now: () => number = Date.now) {
    this.#store = store;
    this.#onUnexpected = onUnexpected;
    this.#now = now;
    for (const session of store.live()) this.#sessions.set(session.hash, session);
  }

  /** A new one-time token and when it ends. */
  mint(): { token: string; expiresAt: Date } {
    const token = randomBytes(TOKEN_BYTES).toString("base64url");
    const expires = this.#now() + LAUNCH_TOKEN_MS;
    if (this.#launch.size >= MAX_LAUNCH_TOKENS) this.#launch.delete(this.#launch.keys().next().value ?? "");
    this.#launch.set(hashOf(token), new Moment(expires, this.#now));
    return { token, expiresAt: new Date(expires) };
  }

  /** Turns a launch token into a session secret for the cookie. Throws `unauthorized`; a token works once. */
  async enter(token: string, userAgent: string): Promise<string> {
    const hash = hashOf(token);
    const expires = this.#launch.get(hash);
    this.#launch.delete(hash);
    if (expires === undefined || expires.hasCome) {
      throw new HiveError("unauthorized", "this launch link was used or is too old: run `npx hivectl login` for a new one");
    }
    const secret = randomBytes(TOKEN_BYTES).toString("base64url");
    const now = this.#now();
    const draft = { hash: hashOf(secret), createdAt: now, lastSeenAt: now, userAgent: userAgent.slice(0, 256) };
    const session = await this.#store.add(draft).catch((error: unknown) => {
      // Nobody has logged in with it: on a full disk the link is not used up.
      this.#launch.set(hash, expires);
      throw error;
    });
    this.#sessions.set(session.hash, session);
    return secret;
  }

  /** The session that a cookie stands for, or undefined. */
  check(secret: string | undefined): SessionRecord | undefined {
    if (!secret) return undefined;
    const hash = hashOf(secret);
    const session = this.#sessions.get(hash);
    if (!session || !timingSafeEqual(Buffer.from(session.hash), Buffer.from(hash))) return undefined;
    const now = this.#now();
    // Seen in the future, by a clock that has been set back since: its time begins now.
    if (session.lastSeenAt > now + SEEN_EVERY_MS) this.#seen(session, now);
    if (now - session.lastSeenAt > SESSION_IDLE_MS) {
      this.revoke(session.id).catch(this.#onUnexpected);
      return undefined;
    }
    if (now - session.lastSeenAt > SEEN_EVERY_MS) this.#seen(session, now);
    return session;
  }

  #seen(session: SessionRecord, now: number): void {
    session.lastSeenAt = now;
    this.#store.seen(session.id, now);
  }

  /** Runs `close` when the session is revoked: its open streams end with it. Returns how to forget that. */
  whileValid(id: number, close: () => void): () => void {
    const closers = this.#onRevoked.get(id) ?? new Set();
    this.#onRevoked.set(id, closers);
    closers.add(close);
    return () => {
      closers.delete(close);
      if (closers.size === 0) this.#onRevoked.delete(id);
    };
  }

  list(): Output<"sessions">["sessions"] {
    return [...this.#sessions.values()].map((session) => ({
      id: session.id,
      created_at: instant(session.createdAt),
      last_seen_at: instant(session.lastSeenAt),
      user_agent: session.userAgent,
    }));
  }

  async revoke(id: number): Promise<void> {
    const session = [...this.#sessions.values()].find((one) => one.id === id);
    if (!session) throw new HiveError("not_found", `there is no browser session ${id}`);
    this.#sessions.delete(session.hash);
    for (const close of this.#onRevoked.get(id) ?? []) close();
    await this.#store.revoke(id);
  }
}
