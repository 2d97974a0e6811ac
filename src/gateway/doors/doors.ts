import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent, request } from "node:https";
import type { Socket } from "node:net";
import type { Duplex, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import type { Api } from "../../wire/config-apis.ts";
import type { Resolved } from "../egress/resolve.ts";
import type { EgressVerdict } from "../egress/verdict.ts";
import { doorCall, hasBody, type CallAbout, type DoorCall, type DoorSecret } from "./call.ts";
import { EchoFilter, withoutEchoes } from "./echo.ts";
import { answerHeaders } from "./headers.ts";

/** Connections of one agent to one API, and those that are kept for the next call. */
const MAX_SOCKETS = 16;
const MAX_IDLE_SOCKETS = 4;
/** How long an API may be silent before its answer and within it. Milliseconds. */
const SILENCE_MS = 5 * 60_000;
/** Bytes of an answer that is searched as a whole, if its length is known before. A longer one is searched as it comes. */
const MAX_WHOLE_BYTES = 64 * 1024;
/** Characters of a path in a record. The rest of a longer one is cut off. */
const MAX_PATH_CHARS = 512;
/** Characters of a door's name and of a method in a record: an agent can ask for any. */
const MAX_WORD_CHARS = 32;

/** The encodings of a body that can be searched. It is asked for as it is; a server may ignore that. */
const DECODERS: Readonly<Record<string, () => Duplex>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** One call to a door: where it went, what became of it, and its bytes. */
export interface DoorRecord {
  host: string;
  port: number;
  verdict: EgressVerdict;
  bytesIn: number;
  bytesOut: number;
  call: CallAbout & { status?: number };
}

export interface DoorDeps {
  /** The doors of the agent's deployed config. */
  apis(): Readonly<Record<string, Api>>;
  /** A secret for one call. Undefined if it is missing. */
  secret(name: string): DoorSecret | undefined;
  /** An address to which a host leads, or why the agent may not reach it. */
  resolve(host: string): Promise<Resolved>;
  /** Connects to an address that was judged. Tests lead connections to a stand-in. */
  connect?: ((address: string, port: number) => Socket) | undefined;
  /** The certificate of a test's stand-in. Without it, the host's certificates count. */
  ca?: string | undefined;
  onRecord(record: DoorRecord): void;
}

/** Connections to APIs, which are kept for the next call. */
class ApiConnections extends Agent {
  readonly #connect: DoorDeps["connect"];
  constructor(open: DoorDeps["connect"]) {
    super({ keepAlive: true, maxSockets: MAX_SOCKETS, maxFreeSockets: MAX_IDLE_SOCKETS });
    this.#connect = open;
  }
  override createConnection(...[options, done]: Parameters<Agent["createConnection"]>) {
    const socket = this.#connect?.(String(options.host), Number(options.port));
    // TLS runs on a socket that is given, which the types of HTTP do not say.
    return super.createConnection(socket ? Object.assign({}, options, { socket }) : options, done);
  }
}

/** The API doors of one agent: paths on its egress.sock. Each call is checked, gets the secret, and is recorded. */
export class Doors {
  readonly #deps: DoorDeps;
  readonly #connections: ApiConnections;

  constructor(deps: DoorDeps) {
    this.#deps = deps;
    this.#connections = new ApiConnections(deps.connect);
  }

  close(): void {
    this.#connections.destroy();
  }

  /** Answers one call. Never rejects. */
  async serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = "", url: target = "", headers } = incoming;
    const asked = doorCall({ method, target, headers }, this.#deps.apis(), (name) => this.#deps.secret(name));
    const url = asked.api === undefined ? undefined : URL.parse(asked.api.url);
    const about = {
      api: asked.about.api.slice(0, MAX_WORD_CHARS),
      method: method.slice(0, MAX_WORD_CHARS),
      path: asked.about.path.slice(0, MAX_PATH_CHARS),
    };
    const record = (verdict: EgressVerdict, sizes = { bytesIn: 0, bytesOut: 0 }, status?: number): void =>
      this.#deps.onRecord({
        host: url?.hostname ?? "",
        port: url ? Number(url.port || 443) : 0,
        verdict,
        ...sizes,
        call: status === undefined ? about : { ...about, status },
      });
    const refuse = (status: number, verdict: EgressVerdict, words: string): void => {
      record(verdict);
      outgoing.writeHead(status, { "content-type": "text/plain", connection: "close" });
      outgoing.end(`hyperhive: ${words}\n`);
    };
    if ("refused" in asked) return refuse(asked.refused.status, asked.refused.verdict, asked.refused.words);
    const resolved = await this.#deps.resolve(asked.call.host);
    if ("verdict" in resolved) return refuse(403, resolved.verdict, resolved.words);
    const sizes = { bytesIn: 0, bytesOut: 0 };
    incoming.on("data", (chunk: Buffer) => void (sizes.bytesOut += chunk.length));
    let status: number | undefined;
    try {
      const answer = await this.#send(asked.call, resolved.address, incoming, outgoing);
      status = answer.statusCode ?? 502;
      const body = hasNoBody(asked.call.method, status) ? answer : readable(answer);
      if (!body) {
        answer.destroy();
        return refuse(
          502,
          "answer not readable",
          `${asked.call.host} answered in an encoding in which a secret could not be found`,
        );
      }
      answer.on("data", (chunk: Buffer) => void (sizes.bytesIn += chunk.length));
      await handBack(asked.call, status, answer, body, outgoing);
      record("allowed", sizes, status);
    } catch {
      // Which side failed makes no difference to the agent: its call did not succeed. No error is quoted, because one of
      // the HTTP client may quote headers.
      // An answer that has begun is cut off for the agent too, also one of which nothing was handed back yet.
      if (status !== undefined || outgoing.destroyed) {
        record("allowed", sizes, status);
        outgoing.destroy();
      } else refuse(502, "unreachable", `${asked.call.host} does not answer, or not with a certificate that counts`);
    }
  }

  /** Sends a call with the body of the request. Resolves with the answer's head. A redirect is an answer. */
  #send(call: DoorCall, address: string, incoming: IncomingMessage, outgoing: ServerResponse): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          agent: this.#connections,
          host: address,
          port: call.port,
          servername: call.host,
          method: call.method,
          path: call.path,
          headers: call.headers,
          timeout: SILENCE_MS,
          ...(this.#deps.ca === undefined ? {} : { ca: this.#deps.ca }),
        },
        resolve,
      );
      sent.once("timeout", () => sent.destroy(new Error("silent")));
      sent.once("error", reject);
      outgoing.once("close", () => sent.destroy());
      incoming.once("error", () => sent.destroy());
      // Most calls have none, and need not wait until the stream says so.
      if (hasBody(incoming.headers)) incoming.pipe(sent);
      else sent.end();
    });
  }
}

/** An answer without a body, whatever its headers say of one. */
const hasNoBody = (method: string, status: number): boolean => method === "HEAD" || status === 204 || status === 304;

/** The body as it was written. Undefined if its encoding is not known. */
function readable(answer: IncomingMessage): Readable | undefined {
  const encoding = (answer.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  if (encoding === "identity" || encoding === "") return answer;
  const decoder = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding]?.() : undefined;
  // An error on either side ends the other, and with it the answer.
  answer.once("error", () => decoder?.destroy(new Error("cut")));
  answer.once("aborted", () => decoder?.destroy(new Error("cut")));
  return decoder && answer.pipe(decoder);
}

async function handBack(
  { secret, method }: Pick<DoorCall, "secret" | "method">,
  status: number,
  answer: IncomingMessage,
  body: Readable,
  outgoing: ServerResponse,
): Promise<void> {
  const replaced = (text: string): string =>
    secret.hidden.reduce((kept, form) => (kept.includes(form) ? kept.replaceAll(form, () => secret.place) : kept), text);
  const headers = answerHeaders(answer.headers, replaced);
  const isShort = Number(answer.headers["content-length"] ?? Infinity) <= MAX_WHOLE_BYTES;
  if (isShort && body === answer && !hasNoBody(method, status)) {
    const pieces: Buffer[] = [];
    // Ends with an error if the answer is cut or the agent goes away.
    for await (const piece of body as AsyncIterable<Buffer>) pieces.push(piece);
    const whole = withoutEchoes(Buffer.concat(pieces), secret.hidden, secret.place);
    outgoing.writeHead(status, { ...headers, "content-length": whole.length }).end(whole);
    return;
  }
  outgoing.writeHead(status, headers);
  await pipeline(body, new EchoFilter(secret.hidden, secret.place), outgoing);
}
