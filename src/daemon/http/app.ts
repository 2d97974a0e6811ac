import { isUtf8 } from "node:buffer";
import type { Closers } from "../../lib/closers.ts";
import { hivectl } from "../../lib/hivectl.ts";
import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { getCookie, setCookie } from "hono/cookie";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { HttpBindings } from "@hono/node-server";
import { z } from "zod";
import type { Sessions, SessionRecord } from "../sessions.ts";
import { failure, success } from "../../rpc/envelope.ts";
import { parseStrictObject } from "../../rpc/json.ts";
import { HiveError, parseOrThrow, type ErrorCode } from "../../wire/error.ts";
import { MAX_LINE_BYTES } from "../../wire/limits.ts";
import { AgentName, Seq } from "../../wire/names.ts";
import type { Operation } from "../../wire/operation.ts";
import { operations, type OperationName, type Output, type Parsed } from "../../wire/operations.ts";
import { operatorActor } from "../../wire/roles.ts";
import { PASSKEY_HEADER } from "../../wire/second-step.ts";
import type { BrowserCall } from "../handlers/types.ts";
import type { Operator } from "../operator.ts";
import type { Passkeys } from "../passkeys/passkeys.ts";
import type { Operators } from "../operators.ts";
import type { Download } from "../../files/agent-files.ts";
import { sendDownload } from "./download.ts";
import { openEventStream, type EventStream } from "./events.ts";
import { GIT_PATH, gitRoute, type OperatorGit } from "./git.ts";
import { securityHeaders } from "./headers.ts";
import { proxyGuard, type TrustedProxy } from "./trusted-proxy.ts";
import { hostGuard, originGuard, type Origins } from "./origin.ts";
import { APP, type StaticFiles } from "./static.ts";

/** Launch attempts per minute from all clients together. A token has 256 bits, so this only bounds the log. */
const MAX_LOGINS_PER_MINUTE = 30;

const STATUS: Record<ErrorCode, 400 | 401 | 403 | 404 | 409 | 413 | 429 | 500 | 503 | 507> = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  rate_limited: 429,
  disk_full: 507,
  unavailable: 503,
  protocol: 400,
  internal: 500,
};

/** The answer to what begins or ends a session, where the proxy does that. */
const PROXY_LOGS_IN = "the proxy in front of the hive logs you in and out: there is no session of the hive to begin or end";

export interface WebDeps {
  hiveId: string;
  origins: Origins;
  /** On an agent's own port: the agent whose page `/` is, and the address of all other pages. */
  only?: { agent: string; home(): string };
  files: StaticFiles;
  sessions: Sessions;
  operators: Pick<Operators, "find" | "permit">;
  /** The reverse proxy that logs operators in, and their streams. Absent where there is none. */
  proxy?: TrustedProxy & { streams: Closers<string> };
  /** Runs an operation of the contract for an operator. */
  call(name: OperationName, input: never, operator: Operator, browser: BrowserCall): Promise<object>;
  passkeys: Pick<Passkeys, "confirm">;
  /** Sends the events after a position, then new ones. Returns a function that unsubscribes. */
  subscribe(filter: EventFilter, stream: EventStream, operator: Operator): () => void;
  metrics(): Promise<string>;
  /** Opens a file or folder of an agent for an operator. */
  download(input: Parsed<"file_download">, operator: Operator, ended: AbortSignal): Promise<Download>;
  /** Absent on an agent's own port. */
  git?: OperatorGit;
  onUnexpected(error: unknown): void;
}

export type EventFilter = Pick<Parsed<"watch">, "after" | "agent" | "kinds">;

interface Variables {
  /** The operator whom the trusted proxy has named. A request that has one needs no session, and its cookie is not read. */
  proxied?: Operator;
  /** Absent if the proxy has logged the operator in. */
  session?: SessionRecord;
  operator: Operator;
  /** Names the log-in to which the answers of passkeys are bound. */
  login: string;
  /** Runs this when the operator loses its log-in or its role. Returns a function that unregisters it. */
  whileValid: (close: () => void) => () => void;
}
type Env = { Bindings: HttpBindings; Variables: Variables };

const EventQuery = z.object({
  after: z.coerce.number().pipe(Seq).optional(),
  agent: AgentName.optional(),
  kinds: z.string().optional(),
});

/** The operator's HTTP surface: pages, the contract as `POST /api/<operation>`, and the event stream. */
export function webApp(deps: WebDeps): Hono<Env> {
  const app = new Hono<Env>();
  const cookieName = `hive_${deps.hiveId}`;
  const logins = attemptsPerMinute(MAX_LOGINS_PER_MINUTE);

  app.use(securityHeaders);
  app.get("/healthz", (c) => c.text("ok\n"));
  app.use(hostGuard(deps.origins));
  if (deps.proxy) app.use(proxyGuard(deps.proxy, deps.operators));
  // Before everything that serves pages: it has no sessions, takes nothing from a page, and its bodies are packs.
  if (deps.git) app.all(`${GIT_PATH}/*`, gitRoute(deps.git));
  app.use(originGuard(deps.origins));
  app.use(
    bodyLimit({
      maxSize: MAX_LINE_BYTES,
      onError: (c) => fail(c, new HiveError("too_large", `a request is at most ${MAX_LINE_BYTES} bytes`)),
    }),
  );

  app.post("/api/login", async (c) => {
    if (c.get("proxied")) throw new HiveError("conflict", PROXY_LOGS_IN);
    if (!logins()) throw new HiveError("rate_limited", "too many log-ins: wait a minute");
    const { token } = parseOrThrow(z.object({ token: z.string().max(256) }), await jsonBody(c));
    const secret = await deps.sessions.enter(token, c.req.header("user-agent") ?? "");
    setCookie(c, cookieName, secret, {
      httpOnly: true,
      sameSite: "Strict",
      path: "/",
      secure: deps.origins.canonical.protocol === "https:",
      maxAge: 30 * 24 * 3600,
    });
    return c.json(success({}));
  });

  app.use(async (c, next) => {
    const proxied = c.get("proxied");
    if (proxied && deps.proxy) {
      const { streams } = deps.proxy;
      c.set("operator", proxied);
      c.set("login", `proxy ${proxied.name}`);
      c.set("whileValid", (close) => streams.whileValid(proxied.name, close));
      return next();
    }
    const isRead = c.req.method === "GET" || c.req.method === "HEAD";
    if (isRead && (c.req.path === "/login" || deps.files.publicPaths.has(c.req.path))) return next();
    const session = deps.sessions.check(getCookie(c, cookieName));
    const operator = session && deps.operators.find(session.operator);
    if (session && operator) {
      c.set("session", session);
      c.set("operator", operator);
      c.set("login", `session ${session.id}`);
      c.set("whileValid", (close) => deps.sessions.whileValid(session.id, close));
      return next();
    }
    const wantsPage = isRead && !c.req.path.startsWith("/api/") && c.req.path !== "/metrics";
    if (wantsPage) return c.redirect("/login", 303);
    return fail(c, new HiveError("unauthorized", `log in first: run ${hivectl("login")} for a launch link`));
  });

  app.get("/login", (c) => (c.get("proxied") ? c.redirect("/", 303) : deps.files.send(c, "/login.html")));

  app.post("/api/logout", async (c) => {
    const session = c.get("session");
    if (!session) throw new HiveError("conflict", PROXY_LOGS_IN);
    await deps.sessions.revoke(session.id, operatorActor(session.operator));
    return c.json(success({}));
  });

  /** Parses an input after the operator's role is checked, and runs the operation. */
  const run = async (c: Context<Env>, name: OperationName, read: () => Promise<object> | object): Promise<object> => {
    const operator = c.get("operator");
    deps.operators.permit(operator, name);
    const input = parseOrThrow(operations[name].input, await read());
    const login = c.get("login");
    const answer = c.req.header(PASSKEY_HEADER);
    if (answer !== undefined) await deps.passkeys.confirm({ operator: operator.name, login }, name, input, answer);
    return deps.call(name, input as never, operator, { login, isConfirmed: answer !== undefined });
  };
  const look = (c: Context<Env>): Promise<Output<"state">> => run(c, "state", () => ({})) as Promise<Output<"state">>;
  app.get("/api/state", async (c) => c.json(success(await look(c)), 200, { "Cache-Control": "no-store" }));

  app.get("/api/events", (c) => {
    deps.operators.permit(c.get("operator"), "watch");
    const query = parseOrThrow(EventQuery, c.req.query());
    const resumed = c.req.header("last-event-id");
    const filter = parseOrThrow(operations.watch.input, {
      after: resumed === undefined ? query.after : Number(resumed),
      agent: query.agent,
      kinds: query.kinds?.split(","),
    });
    let stop = (): void => {};
    const stream = openEventStream(c.env.outgoing, () => {
      stop();
      forget();
    });
    const forget = c.get("whileValid")(() => stream.close());
    stop = deps.subscribe(filter, stream, c.get("operator"));
    return RESPONSE_ALREADY_SENT;
  });

  app.get("/api/download/:agent", async (c) => {
    const operator = c.get("operator");
    deps.operators.permit(operator, "file_download");
    const asked = { name: c.req.param("agent"), path: c.req.query("path") };
    const input = parseOrThrow(operations.file_download.input, asked);
    const ended = new AbortController();
    const forget = c.get("whileValid")(() => ended.abort());
    try {
      await sendDownload(c.env.outgoing, input.path, ended, () => deps.download(input, operator, ended.signal));
    } finally {
      forget();
    }
    return RESPONSE_ALREADY_SENT;
  });

  app.get("/metrics", async (c) => c.text(await deps.metrics()));

  app.post("/op-send", async (c) => c.json(success(await run(c, "send", () => jsonBody(c)))));
  app.post("/meta-update", async (c) => c.json(success(await run(c, "meta_update", () => jsonBody(c)))));

  app.post("/api/:operation", async (c) => {
    const name = c.req.param("operation");
    if (!Object.hasOwn(operations, name)) throw new HiveError("not_found", `there is no operation "${name.slice(0, 80)}"`);
    const operation: Operation = operations[name as OperationName];
    if (!operation.callers.includes("operator") || (operation.stream === true && operation.onPages !== true)) {
      throw new HiveError("forbidden", `"${name}" is not served over HTTP`);
    }
    return c.json(success(await run(c, name as OperationName, () => jsonBody(c))));
  });

  app.get("*", async (c) => {
    if (c.req.path.startsWith("/api/")) return fail(c, new HiveError("not_found", "no such address"));
    if (deps.only && !deps.files.has(c.req.path)) {
      const own = `/agent/${deps.only.agent}`;
      if (c.req.path === "/") return c.redirect(own);
      if (c.req.path !== own) return c.redirect(`${deps.only.home()}${c.req.path}`);
    }
    // Every other path without a file is an address inside the app.
    if (deps.files.has(c.req.path) && c.req.path !== APP) return deps.files.send(c, c.req.path);
    if (c.req.path !== APP && c.req.path.includes(".")) return c.text("not found\n", 404);
    return deps.files.sendApp(c, (await look(c)).state);
  });

  app.notFound((c) => fail(c, new HiveError("not_found", "no such address")));
  app.onError((error, c) => {
    if (!(error instanceof HiveError)) deps.onUnexpected(error);
    return fail(c, error);
  });
  return app;
}

function fail(c: Context, error: unknown): Response {
  const body = failure(error);
  return c.json(body, STATUS[body.code]);
}

async function jsonBody(c: Context): Promise<Record<string, unknown>> {
  const type = c.req.header("content-type") ?? "";
  if (!/^application\/json\b/i.test(type)) throw new HiveError("bad_request", "send JSON with Content-Type: application/json");
  const bytes = Buffer.from(await c.req.arrayBuffer());
  if (!isUtf8(bytes)) throw new HiveError("bad_request", "a body is UTF-8");
  const text = bytes.toString("utf8");
  return text.trim() === "" ? {} : parseStrictObject(text);
}

/** A counter that returns false after `most` calls within a minute. */
function attemptsPerMinute(most: number): () => boolean {
  let windowStart = 0;
  let count = 0;
  return () => {
    // Use a monotonic clock. A wall clock that jumps back would lock out all clients for the length of the jump.
    const now = performance.now();
    if (now - windowStart > 60_000) {
      windowStart = now;
      count = 0;
    }
    return ++count <= most;
  };
}
