import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect, isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { isHostListed, isListed, splitAuthority } from "./allow.ts";
import { passedHeaders } from "./headers.ts";
import type { EgressVerdict } from "./verdict.ts";
import { resolveHost, type Resolving } from "./resolve.ts";
import { MAX_HELLO_BYTES, readHello } from "./sni.ts";
import { Doors, type DoorDeps, type DoorRecord } from "../doors/doors.ts";

/**
 * Maximum time for a connection to the outside, for a client's first bytes, and for silence of either side.
 * Milliseconds.
 */
const CONNECT_MS = 15_000;
const HELLO_MS = 10_000;
const IDLE_MS = 10 * 60_000;

/** Maximum length of a name in a record: the DNS limit. Characters. */
const MAX_NAME_CHARS = 253;

/** The TLS alert for this fault: fatal, unrecognized_name (RFC 8446 6.2). */
const UNRECOGNIZED_NAME = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x70]);

/** The record of one connection. */
export interface EgressRecord {
  agentId: string;
  host: string;
  port: number;
  verdict: EgressVerdict;
  bytesIn: number;
  bytesOut: number;
  /** The server name that the client sent instead of the host's; truncated at `MAX_NAME_CHARS`. */
  serverName?: string;
  /** Set if it is a call to an API door. */
  call?: DoorRecord["call"];
}

export interface EgressDeps extends Resolving {
  /** Hosts of the deployed agent.json. */
  hostsOf(agentId: string): readonly string[];
  /** API doors. Without them the socket is a proxy only. */
  doors?: { apisOf(agentId: string): ReturnType<DoorDeps["apis"]> } & Pick<DoorDeps, "secret" | "ca">;
  /** Connects to an address that was judged. Tests lead connections to a stand-in on another port. */
  connect?(address: string, port: number): Socket;
  onRecord(record: EgressRecord): void;
}

/**
 * One agent's egress.sock: its API doors, and an HTTP proxy for the hosts on its list. CONNECT carries only TLS to the named host. GET and
 * HEAD are carried in the clear. The proxy resolves names and refuses those with any address that is not public. Each
 * connection is recorded.
 */
export function egressServer(agentId: string, deps: EgressDeps): Server {
  const { doors: given, resolve, isPublic, connect: reach, onRecord } = deps;
  const doors =
    given &&
    new Doors({
      apis: () => given.apisOf(agentId),
      secret: given.secret,
      resolve: (host) => resolveHost({ resolve, isPublic }, host),
      connect: reach,
      ca: given.ca,
      onRecord: (record) => onRecord({ agentId, ...record }),
    });
  // A request to a proxy names a whole address; one to a server, which a door is, names a path.
  const server = createServer(
    (incoming, outgoing) =>
      void (doors && incoming.url?.startsWith("/")
        ? doors.serve(incoming, outgoing)
        : forward(agentId, deps, incoming, outgoing)),
  );
  server.once("close", () => doors?.close());
  server.on(
    "connect",
    (incoming: IncomingMessage, client: Duplex, head: Buffer) => void tunnel(agentId, deps, incoming, client, head),
  );
  return server;
}

/** The names that RFC 6761 reserves for the machine itself. */
const isThisMachine = (host: string): boolean => /(?:^|\.)localhost\.?$/i.test(host);

/** The address for a request, or the reason for the refusal. */
async function judge(
  agentId: string,
  deps: EgressDeps,
  host: string,
  port: number,
): Promise<{ address: string } | { verdict: EgressVerdict; words: string }> {
  // Before the list: no entry allows such a host, so the error must not suggest one.
  if ((isIP(host) && !deps.isPublic(host)) || isThisMachine(host))
    return { verdict: "private address", words: `${host} is a private address` };
  const list = deps.hostsOf(agentId);
  if (!isListed(list, host, port)) {
    const where = "this agent's egress list (agent.json, egress)";
    return isHostListed(list, host)
      ? { verdict: "port not listed", words: `port ${port} of ${host} is not on ${where}` }
      : { verdict: "not listed", words: `${host}:${port} is not on ${where}` };
  }
  return resolveHost(deps, host);
}

async function tunnel(agentId: string, deps: EgressDeps, incoming: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
  client.on("error", () => client.destroy());
  const target = splitAuthority(incoming.url ?? "");
  const record = (verdict: EgressVerdict, bytesIn = 0, bytesOut = 0, serverName?: string): void =>
    deps.onRecord({
      agentId,
      host: (target?.host ?? incoming.url ?? "").slice(0, MAX_NAME_CHARS),
      port: target?.port ?? 0,
      verdict,
      bytesIn,
      bytesOut,
      ...(serverName === undefined ? {} : { serverName }),
    });
  const refuse = (status: string, verdict: EgressVerdict, words: string): void => {
    record(verdict);
    client.end(`HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nhyperhive: ${words}\n`);
  };
  if (!target) return refuse("400 Bad Request", "bad request", "CONNECT takes host:port");
  const judged = await judge(agentId, deps, target.host, target.port);
  if ("verdict" in judged) return refuse("403 Forbidden", judged.verdict, judged.words);
  let upstream: Socket;
  try {
    upstream = await open(deps.connect?.(judged.address, target.port) ?? connect({ host: judged.address, port: target.port }));
  } catch {
    return refuse("502 Bad Gateway", "unreachable", `${target.host} does not answer`);
  }
  client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
  const first = await firstBytes(client, head);
  const hello = first && readHello(first);
  const named = hello?.kind === "hello" ? hello.serverName?.toLowerCase() : undefined;
  const fits =
    hello?.kind === "hello" && (named === target.host.toLowerCase() || (named === undefined && isIP(target.host) !== 0));
  if (!first || !fits) {
    if (hello?.kind === "hello") record("wrong server name", 0, 0, named?.slice(0, MAX_NAME_CHARS) ?? "none");
    else record("not TLS");
    upstream.destroy();
    // TLS cannot carry a body here, so the alert tells the agent's program the reason.
    if (hello?.kind === "hello") client.end(UNRECOGNIZED_NAME, () => client.destroy());
    else client.destroy();
    return;
  }
  upstream.write(first);
  upstream.setTimeout(IDLE_MS, () => upstream.destroy());
  let counted = false;
  const done = (): void => {
    if (counted) return;
    counted = true;
    record("allowed", upstream.bytesRead, upstream.bytesWritten);
  };
  upstream.once("close", () => {
    done();
    client.destroy();
  });
  client.once("close", () => upstream.destroy());
  client.pipe(upstream);
  upstream.pipe(client);
}

async function forward(agentId: string, deps: EgressDeps, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  let url: URL | undefined;
  try {
    url = new URL(incoming.url ?? "");
  } catch {
    // Not an absolute URL: refused below.
    url = undefined;
  }
  const port = Number(url?.port || 80);
  const record = (verdict: EgressVerdict, bytesIn = 0, bytesOut = 0): void =>
    deps.onRecord({
      agentId,
      host: (url?.hostname ?? incoming.url ?? "").slice(0, MAX_NAME_CHARS),
      port,
      verdict,
      bytesIn,
      bytesOut,
    });
  const refuse = (status: number, verdict: EgressVerdict, words: string): void => {
    record(verdict);
    outgoing.writeHead(status, { "content-type": "text/plain", connection: "close" });
    outgoing.end(`hyperhive: ${words}\n`);
  };
  if (url?.protocol !== "http:") return refuse(400, "bad request", "a proxy request names a whole http:// address");
  if (incoming.method !== "GET" && incoming.method !== "HEAD")
    return refuse(405, "method not allowed", "in the clear only GET and HEAD are carried; use https");
  const judged = await judge(agentId, deps, url.hostname.replace(/^\[|\]$/g, ""), port);
  if ("verdict" in judged) return refuse(403, judged.verdict, judged.words);
  const sent = request(
    {
      host: judged.address,
      port,
      method: incoming.method,
      path: `${url.pathname}${url.search}`,
      headers: { ...passedHeaders(incoming.headers), host: url.host, connection: "close" },
      timeout: CONNECT_MS,
    },
    (answer) => {
      // A trailer needs chunks, which are not passed on as they came.
      const { trailer: _, ...headers } = answer.headers;
      try {
        outgoing.writeHead(answer.statusCode ?? 502, headers);
      } catch {
        // Node reads answers that it does not write: a status below 100, a header with other characters.
        answer.destroy();
        return refuse(502, "unreachable", `${url.hostname} answers what is not HTTP`);
      }
      // The answer has it no more once it is closed.
      const { socket } = answer;
      answer.pipe(outgoing);
      answer.once("close", () => record("allowed", socket.bytesRead, socket.bytesWritten));
    },
  );
  sent.once("timeout", () => sent.destroy());
  sent.once("error", () =>
    outgoing.headersSent ? outgoing.destroy() : refuse(502, "unreachable", `${url.hostname} does not answer`),
  );
  outgoing.once("close", () => sent.destroy());
  sent.end();
}

/** The socket, once it is connected. */
function open(socket: Socket): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new Error("timeout")), CONNECT_MS);
    socket.once("connect", () => {
      clearTimeout(timer);
      resolve(socket);
    });
    socket.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

/** Collects bytes until they are a whole ClientHello or cannot become one; undefined if the client ends first. */
function firstBytes(client: Duplex, head: Buffer): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    let bytes = head;
    const finish = (result: Buffer | undefined): void => {
      clearTimeout(timer);
      client.off("data", onData);
      client.off("end", onEnd);
      client.pause();
      resolve(result);
    };
    const look = (): void => {
      if (bytes.length > 0 && (readHello(bytes).kind !== "more" || bytes.length > MAX_HELLO_BYTES)) finish(bytes);
    };
    const onData = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      look();
    };
    const onEnd = (): void => finish(bytes.length > 0 ? bytes : undefined);
    const timer = setTimeout(() => finish(undefined), HELLO_MS);
    client.on("data", onData);
    client.on("end", onEnd);
    client.once("close", onEnd);
    look();
  });
}
