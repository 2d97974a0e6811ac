import { randomBytes } from "node:crypto";
import { Sessions, type SessionRecord } from "../../../src/daemon/sessions.ts";
import { operations } from "../../../src/wire/operations.ts";
import { refusal, wordsOf } from "../outside/http.ts";
import type { Place } from "../outside/place.ts";
import { outsideRow, type OutsideRow } from "../row.ts";

/** Launch tokens, cookies and sessions of the dashboard. */

const SESSION = "the session";
const TOKEN = "a launch token works once";
const LOG_IN = /401 log in first/;
const USED = /used or is too old/;

const row = outsideRow<Place>("web", "web");

const state = async (place: Place, cookie: string): Promise<string> => refusal(await place.ask("/api/state", { cookie }));
const enter = async (place: Place, token: string, port?: number): Promise<string> =>
  refusal(await place.ask("/api/login", { body: { token }, ...(port === undefined ? {} : { port }) }));
const random = (): string => randomBytes(32).toString("base64url");

/** The daemon's own class with a clock that a row can set, because the times are of minutes and of weeks. */
function clockedSessions(): { sessions: Sessions; pass(ms: number): void } {
  let now = 1_800_000_000_000;
  const rows: SessionRecord[] = [];
  const store = {
    add: (session: Omit<SessionRecord, "id">) => {
      const added = { ...session, id: rows.length + 1 };
      rows.push(added);
      return Promise.resolve(added);
    },
    live: () => rows,
    seen: () => {},
    revoke: () => Promise.resolve(),
  };
  const onUnexpected = (error: unknown): void => {
    throw error;
  };
  return { sessions: new Sessions(store, onUnexpected, () => now), pass: (ms) => void (now += ms) };
}

export const sessionRows: readonly OutsideRow<Place>[] = [
  row("no-session", "carry out every operation without a session", SESSION, LOG_IN, async (place) => {
    let words = "";
    for (const name of Object.keys(operations).filter((one) => one !== "login")) {
      const answer = await place.ask(`/api/${name}`, { body: {} });
      words = wordsOf(answer);
      if (!LOG_IN.test(words)) return `${name}: ${words}`;
    }
    throw new Error(words);
  }),
  row(
    "no-session-reads",
    "read a page, the state and the metrics without a session",
    SESSION,
    /303 to \/login|401 log in first/,
    async (place) => {
      let words = "";
      for (const path of ["/", "/index.html", "/agent/ada", "/approval/1", "/api/state", "/metrics"]) {
        words = wordsOf(await place.ask(path));
        if (!/^303 to \/login$|^401 log in first/.test(words)) return `${path}: ${words}`;
      }
      throw new Error(words);
    },
  ),
  row("no-session-stream", "follow the events without a session", SESSION, LOG_IN, async (place) =>
    refusal(await place.ask("/api/events")),
  ),
  row("cookie-guessed", "guess a cookie", SESSION, LOG_IN, (place) => state(place, `hive_${place.id}=${random()}`)),
  row("cookie-odd", "send a cookie of odd forms", SESSION, LOG_IN, async (place) => {
    const secret = place.cookie.split("=")[1] ?? "";
    let words = "";
    for (const value of [
      "",
      "%00",
      "null",
      "undefined",
      "[object Object]",
      secret.slice(0, -1),
      `${secret}x`,
      secret.toUpperCase(),
      "x".repeat(4000),
    ]) {
      words = wordsOf(await place.ask("/api/state", { cookie: `hive_${place.id}=${value}` }));
      if (!LOG_IN.test(words)) return `${value.slice(0, 20)}: ${words}`;
    }
    throw new Error(words);
  }),
  row(
    "cookie-other-hive",
    "use the cookie of another hive of this machine",
    "the cookie's name carries the hive's id",
    LOG_IN,
    (place) => state(place, `hive_00000000=${place.cookie.split("=")[1]}; hive=${place.cookie.split("=")[1]}`),
  ),
  row(
    "cookie-stored",
    "use the hash that the database has as a cookie",
    "the database has only hashes",
    LOG_IN,
    async (place) => {
      const { createHash } = await import("node:crypto");
      const hash = createHash("sha256")
        .update(place.cookie.split("=")[1] ?? "")
        .digest("hex");
      return state(place, `hive_${place.id}=${hash}`);
    },
  ),
  row(
    "cookie-flags",
    "find a cookie that scripts can read or other sites send",
    "HttpOnly and SameSite=Strict",
    /HttpOnly; SameSite=Strict/,
    async (place) => {
      const answer = await place.ask("/api/login", { body: { token: await place.token() } });
      const cookie = answer.headers["set-cookie"] ?? "";
      if (!cookie.endsWith("; Path=/; HttpOnly; SameSite=Strict")) return cookie.replace(/=[\w-]{40,}/, "=…");
      throw new Error("HttpOnly; SameSite=Strict");
    },
  ),
  row(
    "fixation",
    "choose the session that the operator will log in to",
    "each log-in makes a new secret",
    LOG_IN,
    async (place) => {
      const chosen = `hive_${place.id}=${random()}`;
      const answer = await place.ask("/api/login", { cookie: chosen, body: { token: await place.token() } });
      const given = answer.headers["set-cookie"]?.split(";")[0];
      if (given === undefined || given === chosen) return `the log-in gave ${given === undefined ? "no" : "the chosen"} cookie`;
      return state(place, chosen);
    },
  ),
  row("session-ended", "use a session that the operator has ended", SESSION, LOG_IN, async (place) => {
    const cookie = await place.logIn();
    const { sessions } = await place.hive.call("sessions", {});
    await place.hive.call("session_revoke", { id: sessions.at(-1)?.id ?? 0 });
    return state(place, cookie);
  }),
  row("session-logout", "use a session after its log-out", SESSION, LOG_IN, async (place) => {
    const cookie = await place.logIn();
    await place.ask("/api/logout", { cookie, body: {} });
    return state(place, cookie);
  }),
  row(
    "session-stream",
    "follow the events after the session has ended",
    "the end of a session ends its streams",
    /the stream has ended/,
    async (place) => {
      const browser = await place.hive.browser();
      const stream = await browser("/api/events");
      const reader = stream.body?.getReader();
      const { sessions } = await place.hive.call("sessions", {});
      await place.hive.call("session_revoke", { id: sessions.at(-1)?.id ?? 0 });
      const body = `after the end ${random()}`;
      await place.hive.call("send", { to: "ada", body });
      let text = "";
      for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
        text += Buffer.from(part.value).toString();
        if (text.includes(body)) return "the stream goes on";
      }
      throw new Error("the stream has ended");
    },
  ),
  row("session-old", "use a session after 31 days without use", "a session ends without use", /no session/, async () => {
    const { sessions, pass } = clockedSessions();
    const secret = await sessions.enter(sessions.mint().token, "a browser");
    if (!sessions.check(secret)) throw new Error("the session never began");
    pass(31 * 24 * 3600_000);
    if (sessions.check(secret)) return "the session still holds";
    throw new Error("no session");
  }),
  row("token-twice", "use a launch link twice", TOKEN, USED, async (place) => {
    const token = await place.token();
    await enter(place, token);
    return enter(place, token);
  }),
  row("token-at-once", "use a launch link in two requests at once", TOKEN, USED, async (place) => {
    const token = await place.token();
    const ends = await Promise.allSettled([enter(place, token), enter(place, token)]);
    const refused = ends.find((end) => end.status === "rejected");
    if (!refused) return "both logged in";
    throw refused.reason;
  }),
  row("token-old", "use a launch link after sixteen minutes", "a launch token holds fifteen minutes", USED, async () => {
    const { sessions, pass } = clockedSessions();
    const { token } = sessions.mint();
    pass(16 * 60_000);
    await sessions.enter(token, "a browser");
    return "logged in";
  }),
  row("token-logout", "log in again with the launch link of a session that has ended", TOKEN, USED, async (place) => {
    const token = await place.token();
    const answer = await place.ask("/api/login", { body: { token } });
    await place.ask("/api/logout", { cookie: answer.headers["set-cookie"]?.split(";")[0] ?? "", body: {} });
    return enter(place, token);
  }),
  row("token-guess", "guess launch tokens", "the limit of log-ins", /429 too many log-ins/, async (place) => {
    // On an agent's port, which counts for itself: the other rows go on logging in.
    const port = await place.portOf("eve");
    for (let n = 0; n < 40; n++) {
      const words = wordsOf(await place.ask("/api/login", { body: { token: random() }, port }));
      if (words.startsWith("429")) throw new Error(words);
      if (!USED.test(words)) return words;
    }
    return "forty guesses in a minute";
  }),
  row("token-form", "send a launch token of an odd form", "the schema of requests", /400|401/, async (place) => {
    let words = "";
    for (const token of [["x"], { $ne: "" }, null, "x".repeat(10_000), ""]) {
      words = wordsOf(await place.ask("/api/login", { body: { token } }));
      if (!/^40[01]/.test(words)) return words;
    }
    throw new Error(words);
  }),
];
