import { request as httpsRequest } from "node:https";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { HiveError } from "../../wire/error.ts";
import type { HttpsParts } from "../../wire/remote.ts";
import { FLUSH, linesToFlush } from "../transport/pkt-line.ts";
import { oneLine } from "../transport/push-report.ts";
import { dial, type Net } from "./dial.ts";
import { MAX_ADVERTISED_BYTES, SILENCE_MS, type Conversation, type GitServer, type Service } from "./server.ts";
import { brokenConnection, hostHeader, tlsOver } from "./tls.ts";

/** The name for servers that take any name with a token. */
const ANY_USER = "x-access-token";
/** Some servers answer git only. */
const USER_AGENT = "git/hyperhive";
/** Characters of a redirect's target that an error names. */
const MAX_TARGET_CHARS = 200;

/** How a token is given. */
const GIVE = "repo add and repo login take one with --token-stdin";

interface HttpsOptions {
  address: string;
  parts: HttpsParts;
  pinned: string | undefined;
  /** More authorities than those of the system. */
  ca: string | undefined;
  token: string | undefined;
  net: Net;
}

/**
 * A repository behind https. The daemon itself speaks it, so that no git, no sandbox and no command line ever has the
 * token. Certificates are verified, redirects are not followed, and nothing but the two services of this repository is
 * asked for.
 */
export function httpsServer(options: HttpsOptions): GitServer {
  return {
    address: options.address,
    async open(service, signal): Promise<Conversation> {
      const ended = new AbortController();
      const either = AbortSignal.any([signal, ended.signal]);
      const answer = await send(options, { method: "GET", path: `/info/refs?service=${service}`, service }, either);
      expectType(options, answer, `application/x-${service}-advertisement`);
      const advertised = withoutBanner(await whole(options, answer));
      return {
        advertised,
        async ask(body) {
          const asked = await send(options, { method: "POST", path: `/${service}`, service, body }, either);
          expectType(options, asked, `application/x-${service}-result`);
          return asked;
        },
        close: () => ended.abort(new HiveError("unavailable", `the conversation with ${options.address} was ended`)),
      };
    },
  };
}

interface Sent {
  method: "GET" | "POST";
  path: string;
  service: Service;
  body?: Readable;
}

async function send(options: HttpsOptions, { method, path, service, body }: Sent, signal: AbortSignal): Promise<IncomingMessage> {
  const { parts, pinned, ca, token, net, address } = options;
  const raw = await dial(net, { host: parts.host, port: parts.port, pinned }, signal);
  const user = parts.user ?? ANY_USER;
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(signal.aborted ? (signal.reason as Error) : inWords(options, error));
    const sent = httpsRequest({
      method,
      path: parts.path + path,
      headers: {
        host: hostHeader(parts),
        "user-agent": USER_AGENT,
        accept: method === "GET" ? "*/*" : `application/x-${service}-result`,
        ...(token === undefined ? {} : { authorization: `Basic ${Buffer.from(`${user}:${token}`).toString("base64")}` }),
        ...(body === undefined ? {} : { "content-type": `application/x-${service}-request` }),
      },
      createConnection: () => tlsOver(raw, { host: parts.host, ca }),
      signal,
    });
    sent.setTimeout(SILENCE_MS, () =>
      sent.destroy(new HiveError("unavailable", `${address} said nothing for ${SILENCE_MS / 60_000} minutes: try again`)),
    );
    sent.once("error", fail);
    sent.once("response", (answer) => {
      const complaint = complaintOf(options, answer);
      if (complaint === undefined) return resolve(answer);
      sent.destroy();
      reject(complaint);
    });
    if (body === undefined) sent.end();
    // Where the server answers before it has read everything, the answer counts.
    else pipeline(body, sent).catch(fail);
  });
}

/** What an answer other than a good one means, and what to do. */
function complaintOf({ address, token }: HttpsOptions, { statusCode = 0, headers }: IncomingMessage): HiveError | undefined {
  if (statusCode === 200) return undefined;
  if (statusCode === 401)
    return new HiveError(
      "forbidden",
      token === undefined
        ? `${address} asks for a credential: ${GIVE}`
        : `${address} refuses the token, which may have expired: ${GIVE}`,
    );
  if (statusCode === 403)
    return new HiveError(
      "forbidden",
      `${address} does not allow it: the token may lack the right to read or write this repository`,
    );
  if (statusCode === 404)
    return new HiveError(
      "not_found",
      `${address} is not there, or hidden from this token: check the address, or give another token; ${GIVE}`,
    );
  if (statusCode >= 300 && statusCode < 400) {
    const target = redirectTarget(headers.location);
    return new HiveError(
      "conflict",
      `${address} redirects${target}, which the hive does not follow: add the repository with the address that it has now`,
    );
  }
  if (statusCode === 429 || statusCode >= 500)
    return new HiveError("unavailable", `${address} answers with ${statusCode}: try again later`);
  return new HiveError("unavailable", `${address} answers with ${statusCode}: check the address`);
}

function redirectTarget(location: string | undefined): string {
  if (location === undefined || !URL.canParse(location)) return "";
  const { protocol, host, pathname } = new URL(location);
  return ` to ${oneLine(`${protocol}//${host}${pathname}`).slice(0, MAX_TARGET_CHARS)}`;
}

function expectType({ address }: HttpsOptions, answer: IncomingMessage, type: string): void {
  if (answer.headers["content-type"]?.split(";")[0]?.trim().toLowerCase() === type) return;
  answer.destroy();
  throw new HiveError("bad_request", `${address} is not a git repository: the server answers with something else`);
}

/** A failure of the connection in words. */
const inWords = ({ address, parts }: HttpsOptions, error: Error): Error => brokenConnection(error, { where: address, ...parts });

async function whole(options: HttpsOptions, answer: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_ADVERTISED_BYTES)
        throw new HiveError("too_large", `${options.address} lists more than ${MAX_ADVERTISED_BYTES / 1024 ** 2} MiB of refs`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof Error ? inWords(options, error) : error;
  }
  return Buffer.concat(chunks);
}

/** The list of refs without the line that names the service, which only http has. */
function withoutBanner(bytes: Buffer): Buffer {
  if (bytes.toString("latin1", 4, 14) !== "# service=") return bytes;
  const end = linesToFlush(bytes)?.end ?? bytes.length;
  return bytes.length > end ? bytes.subarray(end) : FLUSH;
}
