import { request as httpsRequest } from "node:https";
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { z } from "zod";
import { HiveError } from "../../wire/error.ts";
import { oneLine } from "../transport/push-report.ts";
import { dial, type Net } from "../remote/dial.ts";
import { withoutEchoes } from "../remote/echoes.ts";
import { brokenConnection, hostHeader, tlsOver } from "../remote/tls.ts";
import type { ForgePlace } from "./place.ts";

/** Time for one call with its answer. Milliseconds. */
const CALL_MS = 60_000;
/** Bytes of an answer: a list of some tens of pull requests, each with two descriptions of its repository. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
/** Characters of an error's words. */
const MAX_SAID_CHARS = 500;
/** Longest pause that a forge may ask for, so that an answer of nonsense does not stop the hive for days. Milliseconds. */
const MAX_WAIT_MS = 2 * 60 * 60_000;
/** GitHub refuses calls without a name. */
const USER_AGENT = "hyperhive";

/** A forge asks the hive to wait. */
export class ForgeWait extends HiveError {
  /** Milliseconds to wait before the next call. */
  readonly ms: number;
  constructor(message: string, ms: number) {
    super("rate_limited", message);
    this.ms = ms;
  }
}

/** A forge does not take what it was asked to store, and says why. Asking again gives the same answer. */
export class ForgeRefusal extends HiveError {
  constructor(message: string) {
    super("conflict", message);
  }
}

/** How a repository's forge is reached. */
export interface ForgeConnection {
  place: ForgePlace;
  pinned: string | undefined;
  /** More authorities than those of the system. */
  ca: string | undefined;
  token: string | undefined;
  net: Net;
  /** The repository in the hive: what to do names it. */
  repo: string;
  now(): number;
  /** Answers in place of a host: the rehearsed one. Nothing is connected to then. */
  instead?: (call: Call) => Promise<RawAnswer>;
}

/** An answer as a connection gives it. */
export type RawAnswer = Readable & Pick<IncomingMessage, "headers"> & { statusCode?: number | undefined };

export interface Call {
  method: "GET" | "POST" | "PATCH";
  /** Below the repository of the API, with its query. */
  path: string;
  body?: Record<string, string>;
  /** The mark of an earlier answer: the same one is not sent again. */
  etag?: string | undefined;
}

/** An answer that is as asked for. `json` is not checked yet; undefined: nothing has changed since the answer of `etag`. */
export interface Answer {
  json: unknown;
  etag: string | undefined;
}

/**
 * One call to a forge: to its host only, over verified TLS, without following a redirect. Throws a HiveError that says
 * what to do; `ForgeWait` if the forge asks to wait; `ForgeRefusal` if it refuses the content.
 */
export async function callForge(connection: ForgeConnection, call: Call, stop: AbortSignal): Promise<Answer> {
  const late = AbortSignal.timeout(CALL_MS);
  const signal = AbortSignal.any([stop, late]);
  try {
    const answer = await (connection.instead?.(call) ?? send(connection, call, signal));
    return await read(connection, call, answer);
  } catch (error) {
    if (stop.aborted) throw stop.reason;
    const { host } = connection.place;
    if (late.aborted)
      throw new HiveError("unavailable", `${host} did not answer within ${CALL_MS / 1000} seconds: try again later`);
    throw error instanceof Error ? brokenConnection(error, { where: host, host }) : error;
  }
}

async function send(
  { place, pinned, ca, token, net }: ForgeConnection,
  call: Call,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { host, port, forge, api } = place;
  const raw = await dial(net, { host, port, pinned }, signal);
  const body = call.body === undefined ? undefined : JSON.stringify(call.body);
  return new Promise((resolve, reject) => {
    const sent = httpsRequest({
      method: call.method,
      path: `${api}${call.path}`,
      headers: {
        host: hostHeader({ host, port }),
        "user-agent": USER_AGENT,
        accept: forge === "github" ? "application/vnd.github+json" : "application/json",
        ...(forge === "github" ? { "x-github-api-version": "2022-11-28" } : {}),
        ...(token === undefined ? {} : { authorization: `${forge === "github" ? "Bearer" : "token"} ${token}` }),
        ...(call.etag === undefined ? {} : { "if-none-match": call.etag }),
        ...(body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
      },
      createConnection: () => tlsOver(raw, { host, ca }),
      signal,
    });
    sent.once("error", reject);
    sent.once("response", resolve);
    sent.end(body);
  });
}

async function read(connection: ForgeConnection, call: Call, answer: RawAnswer): Promise<Answer> {
  const { statusCode = 0, headers } = answer;
  if (statusCode === 304 && call.etag !== undefined) {
    answer.resume();
    return { json: undefined, etag: call.etag };
  }
  if (statusCode >= 300 && statusCode < 400) {
    answer.destroy();
    throw new HiveError(
      "conflict",
      `${connection.place.host} redirects the call, which the hive does not follow: the repository may have another name now; add it with the address that it has`,
    );
  }
  const text = await whole(connection, answer);
  if (statusCode !== 200 && statusCode !== 201) throw complaint(connection, statusCode, headers, text);
  const json = parsed(text);
  if (json === undefined) throw unreadable(connection);
  const { etag } = headers;
  const isKept = etag !== undefined && etag.length <= MAX_SAID_CHARS && withoutToken(connection)(etag) === etag;
  return { json, etag: isKept ? etag : undefined };
}

/** Takes the token out of a text of the forge, before anything of it is stored or shown. */
export const withoutToken = ({ token }: ForgeConnection): ((text: string) => string) =>
  withoutEchoes(token === undefined ? undefined : { kind: "token", token });

/** An answer that is not what the forge's API describes. */
export const unreadable = ({ place, repo }: ForgeConnection): HiveError =>
  new HiveError(
    "unavailable",
    `${place.host} answers with what is no pull request: check that \`hivectl repo set ${repo} --forge\` names the right program (${place.forge} now)`,
  );

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The caller says what that means.
    return undefined;
  }
}

async function whole({ place }: ForgeConnection, answer: RawAnswer): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES)
      throw new HiveError("too_large", `${place.host} answers with more than ${MAX_ANSWER_BYTES / 1024 ** 2} MiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** An error of both APIs. GitHub lists what is wrong with the fields. */
const Said = z.object({
  message: z.string().optional().catch(undefined),
  errors: z
    .array(z.union([z.string(), z.object({ message: z.string() }).transform(({ message }) => message)]).catch(""))
    .optional()
    .catch(undefined),
});

function complaint(connection: ForgeConnection, status: number, headers: IncomingMessage["headers"], text: string): HiveError {
  const { place, token, repo } = connection;
  const found = Said.safeParse(parsed(text));
  const all = found.success ? [found.data.message, ...(found.data.errors ?? [])] : [];
  const said = oneLine(withoutToken(connection)(all.filter(Boolean).join(": "))).slice(0, MAX_SAID_CHARS);
  const words = said === "" ? "" : ` (${said})`;
  const login = `hivectl repo login ${repo} --forge-token-stdin gives it another one`;
  const wait = waitOf(status, headers, connection.now());
  if (wait !== undefined) return new ForgeWait(`${place.host} limits how often it is asked${words}: the hive waits`, wait);
  if (status === 401)
    return new HiveError(
      "forbidden",
      token === undefined
        ? `${place.host} asks for a token: ${login}`
        : `${place.host} refuses the token, which may have expired: ${login}`,
    );
  if (status === 403)
    return new HiveError(
      "forbidden",
      `${place.host} does not allow it${words}: the token may lack the right to write pull requests; ${login}`,
    );
  if (status === 404)
    return new HiveError(
      "not_found",
      `${place.host} has no ${place.owner}/${place.name}, or hides it from this token${words}: ${login}`,
    );
  // A conflict, a failed precondition, a repository that is archived, a field that it does not take.
  if ([400, 409, 410, 412, 422, 423].includes(status))
    return new ForgeRefusal(`${place.host} refuses it${words || ` (${status})`}`);
  return new HiveError("unavailable", `${place.host} answers with ${status}${words}: the hive tries again later`);
}

/** How long a forge asks to wait. Milliseconds; undefined if it does not. */
function waitOf(status: number, headers: IncomingMessage["headers"], now: number): number | undefined {
  if (status !== 403 && status !== 429 && status !== 503) return undefined;
  const after = Number(headers["retry-after"]);
  const reset = Number(headers["x-ratelimit-reset"]);
  const isUsedUp = headers["x-ratelimit-remaining"] === "0" && Number.isFinite(reset);
  const ms = Number.isFinite(after) ? after * 1000 : isUsedUp ? reset * 1000 - now : status === 429 ? 0 : undefined;
  return ms === undefined ? undefined : Math.min(Math.max(ms, 0), MAX_WAIT_MS);
}
