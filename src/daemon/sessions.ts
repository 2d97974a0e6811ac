import { hivectl } from "../lib/hivectl.ts";
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { HiveError } from "../wire/error.ts";
import { instant } from "../wire/instant.ts";
import type { Output } from "../wire/operations.ts";
import { Moment } from "../lib/timers.ts";

/** Lifetime of a launch token: long enough to open the browser, short enough to be worthless in a log. */
const LAUNCH_TOKEN_MS = 15 * 60_000;
/** How long a browser session lasts without a request. */
const SESSION_IDLE_MS = 30 * 24 * 3600_000;
/** How often `last_seen_at` is written. It is shown to people in minutes. */
const SEEN_EVERY_MS = 60_000;
/** 256 bits: cannot be guessed. */
const TOKEN_BYTES = 32;
/** Open launch tokens; the oldest is removed first. */
const MAX_LAUNCH_TOKENS = 16;

/** A stored browser session: only the hash of its secret. */
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
 * The operator's logins. A one-time launch token becomes a browser session. Tokens exist only in memory, and a restart
 * prints a new one. Sessions are stored as hashes.
 */
export class Sessions {
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

  /** Creates a one-time token. Returns it with its expiry. */
  mint(): { token: string; expiresAt: Date } {
    const token = randomBytes(TOKEN_BYTES).toString("base64url");
    const expires = this.#now() + LAUNCH_TOKEN_MS;
    if (this.#launch.size >= MAX_LAUNCH_TOKENS) this.#launch.delete(this.#launch.keys().next().value ?? "");
    this.#launch.set(hashOf(token), new Moment(expires, this.#now));
    return { token, expiresAt: new Date(expires) };
  }

  /** A launch link with a new token. `home` is the dashboard's origin. */
  launch(home: string): Output<"login"> {
    const { token, expiresAt } = this.mint();
    return { url: `${home}/login#token=${token}`, expires_at: expiresAt.toISOString() };
  }

  /**
   * Exchanges a launch token for a session secret, which goes into the cookie. A token works once. Throws
   * `unauthorized`.
   */
  async enter(token: string, userAgent: string): Promise<string> {
    const hash = hashOf(token);
    const expires = this.#launch.get(hash);
    this.#launch.delete(hash);
    if (expires === undefined || expires.hasCome) {
      throw new HiveError("unauthorized", `this launch link was used or is too old: run ${hivectl("login")} for a new one`);
    }
    const secret = randomBytes(TOKEN_BYTES).toString("base64url");
    const now = this.#now();
    const draft = { hash: hashOf(secret), createdAt: now, lastSeenAt: now, userAgent: userAgent.slice(0, 256) };
    const session = await this.#store.add(draft).catch((error: unknown) => {
      // The login failed, for example on a full disk, so the link stays valid.
      this.#launch.set(hash, expires);
      throw error;
    });
    this.#sessions.set(session.hash, session);
    return secret;
  }

  /** The session of a cookie, or undefined. */
  check(secret: string | undefined): SessionRecord | undefined {
    if (!secret) return undefined;
    const hash = hashOf(secret);
    const session = this.#sessions.get(hash);
    if (!session || !timingSafeEqual(Buffer.from(session.hash), Buffer.from(hash))) return undefined;
    const now = this.#now();
    // Last seen in the future: the clock has been set back since. Restart the idle time now.
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

  /** Runs `close` when the session is revoked, so that its open streams end. Returns a function that unregisters it. */
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
