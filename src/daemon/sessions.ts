import { hivectl } from "../lib/hivectl.ts";
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { HiveError } from "../wire/error.ts";
import { instant } from "../wire/instant.ts";
import { OPERATOR, SYSTEM } from "../wire/names.ts";
import type { Output } from "../wire/operations.ts";
import { Closers } from "../lib/closers.ts";
import { Moment } from "../lib/timers.ts";

/** Lifetime of a launch token: long enough to open the browser, short enough to be worthless in a log. */
const LAUNCH_TOKEN_MS = 15 * 60_000;
/** How long a browser session lasts without a request. */
const SESSION_IDLE_MS = 30 * 24 * 3600_000;
/** How often `last_seen_at` is written. It is shown to people in minutes. */
const SEEN_EVERY_MS = 60_000;
/** 256 bits: cannot be guessed. */
const TOKEN_BYTES = 32;
/** Open launch tokens of one operator; the oldest is removed first. */
const MAX_LAUNCH_TOKENS = 16;

/** A stored browser session: only the hash of its secret. */
export interface SessionRecord {
  id: number;
  hash: string;
  createdAt: number;
  lastSeenAt: number;
  userAgent: string;
  /** The name of the operator whose session it is. */
  operator: string;
}

export interface SessionStore {
  add(session: Omit<SessionRecord, "id">): Promise<SessionRecord>;
  live(): SessionRecord[];
  seen(id: number, at: number): void;
  /** `by` is the operator who ended it. */
  revoke(id: number, by: string): Promise<void>;
}

interface LaunchToken {
  expires: Moment;
  operator: string;
}

const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("hex");

/**
 * The operators' logins. A one-time launch token becomes a browser session of the operator who asked for it. Tokens exist only in memory, and a restart
 * prints a new one. Sessions are stored as hashes.
 */
export class Sessions {
  readonly #store: SessionStore;
  readonly #onUnexpected: (error: unknown) => void;
  readonly #now: () => number;
  readonly #launch = new Map<string, LaunchToken>();
  readonly #sessions = new Map<string, SessionRecord>();
  /** Log-ins that are being stored. One whose operator is removed meanwhile becomes no session. */
  readonly #entering = new Set<{ operator: string; ended: boolean }>();
  /** The open streams, by session. */
  readonly #streams = new Closers<number>();

  constructor(store: SessionStore, onUnexpected: (error: unknown) => void, now: () => number = Date.now) {
    this.#store = store;
    this.#onUnexpected = onUnexpected;
    this.#now = now;
    for (const session of store.live()) this.#sessions.set(session.hash, session);
  }

  /** Creates a one-time token for an operator. Returns it with its expiry. */
  mint(operator: string = OPERATOR): { token: string; expiresAt: Date } {
    const token = randomBytes(TOKEN_BYTES).toString("base64url");
    const expires = this.#now() + LAUNCH_TOKEN_MS;
    const own = [...this.#launch].filter(([, one]) => one.operator === operator);
    if (own.length >= MAX_LAUNCH_TOKENS) this.#launch.delete(own[0]?.[0] ?? "");
    this.#launch.set(hashOf(token), { operator, expires: new Moment(expires, this.#now) });
    return { token, expiresAt: new Date(expires) };
  }

  /** A launch link with a new token for an operator. `home` is the dashboard's origin. */
  launch(home: string, operator: string = OPERATOR): Output<"login"> {
    const { token, expiresAt } = this.mint(operator);
    return { url: `${home}/login#token=${token}`, expires_at: expiresAt.toISOString() };
  }

  /**
   * Exchanges a launch token for a session secret, which goes into the cookie. A token works once. Throws
   * `unauthorized`.
   */
  async enter(token: string, userAgent: string): Promise<string> {
    const hash = hashOf(token);
    const link = this.#launch.get(hash);
    this.#launch.delete(hash);
    if (link === undefined || link.expires.hasCome) {
      throw new HiveError("unauthorized", `this launch link was used or is too old: run ${hivectl("login")} for a new one`);
    }
    const secret = randomBytes(TOKEN_BYTES).toString("base64url");
    const now = this.#now();
    const { operator } = link;
    const entering = { operator, ended: false };
    this.#entering.add(entering);
    const draft = { hash: hashOf(secret), createdAt: now, lastSeenAt: now, userAgent: userAgent.slice(0, 256), operator };
    const session = await this.#store
      .add(draft)
      .catch((error: unknown) => {
        // The login failed, for example on a full disk, so the link stays valid.
        if (!entering.ended) this.#launch.set(hash, link);
        throw error;
      })
      .finally(() => this.#entering.delete(entering));
    this.#sessions.set(session.hash, session);
    if (!entering.ended) return secret;
    await this.revoke(session.id, SYSTEM);
    throw new HiveError("unauthorized", `${operator} is no operator of this hive any more`);
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
      this.revoke(session.id, SYSTEM).catch(this.#onUnexpected);
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
    return this.#streams.whileValid(id, close);
  }

  list(): Output<"sessions">["sessions"] {
    return [...this.#sessions.values()].map((session) => ({
      id: session.id,
      operator: session.operator,
      created_at: instant(session.createdAt),
      last_seen_at: instant(session.lastSeenAt),
      user_agent: session.userAgent,
    }));
  }

  /** A session by its number. Throws `not_found`. */
  get(id: number): SessionRecord {
    const session = [...this.#sessions.values()].find((one) => one.id === id);
    if (!session) throw new HiveError("not_found", `there is no browser session ${id}`);
    return session;
  }

  /** Ends a session with its open streams. `by` names who did in the audit trail. */
  async revoke(id: number, by: string): Promise<void> {
    const session = this.get(id);
    this.#sessions.delete(session.hash);
    this.#streams.endOf(id);
    await this.#store.revoke(id, by);
  }

  /** Ends the sessions and launch links of an operator who was removed. */
  async endOf(operator: string): Promise<void> {
    for (const one of this.#entering) if (one.operator === operator) one.ended = true;
    for (const [hash, link] of this.#launch) if (link.operator === operator) this.#launch.delete(hash);
    for (const session of this.#sessions.values()) if (session.operator === operator) await this.revoke(session.id, SYSTEM);
  }

  /** Ends the open streams of an operator, whose role has changed. Its pages connect again. */
  cutStreamsOf(operator: string): void {
    for (const session of this.#sessions.values()) if (session.operator === operator) this.#streams.endOf(session.id);
  }
}
