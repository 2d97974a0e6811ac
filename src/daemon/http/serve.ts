import { createAdaptorServer, getRequestListener } from "@hono/node-server";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Paths } from "../../lib/paths.ts";
import { HiveError } from "../../wire/error.ts";
import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import { operatorActor } from "../../wire/roles.ts";
import { openDownload } from "../open-download.ts";
import { subscribe } from "../stream.ts";
import type { System } from "../system.ts";
import { findW4rden } from "../w4rden.ts";
import { webApp, type WebDeps } from "./app.ts";
import type { OperatorGit } from "./git.ts";
import { originsFor, publicOrigins } from "./origin.ts";
import { openProxySocket } from "./proxy-socket.ts";
import { bounded } from "./server.ts";
import { StaticFiles } from "./static.ts";
import { checkPeers, peerWithin } from "./trusted-proxy.ts";

/** The interface's files, beside the bundled program. */
const INTERFACE = join(import.meta.dirname, "ui");

/** The open listeners of the operators' HTTP surface. */
export interface Web {
  close(): void;
}

/**
 * Opens the dashboard's port and, if one is configured, the socket of the trusted proxy. After this the port is known.
 * Throws if either cannot be opened as configured.
 */
export async function serveWeb(config: Config, paths: Paths, hive: System, log: Log): Promise<Web> {
  const { header, peers } = config.trustedProxy ?? {};
  if (peers?.kind === "tcp") checkPeers(peers.addresses);
  let app: ReturnType<typeof webApp> | undefined;
  const fetch: Fetch = (request, bindings) => app?.fetch(request, bindings) ?? new Response("starting\n", { status: 503 });
  const server = listener(fetch);
  await listen(server, config);
  const { port } = server.address() as AddressInfo;
  const origins = originsFor(port, config.publicUrl);
  hive.urls.home = origins.canonical.origin;
  const deps: Omit<WebDeps, "origins"> = {
    ...surfaceOf(hive),
    files: new StaticFiles(INTERFACE),
    onUnexpected: (error) => log.error({ err: error }, "unexpected"),
  };
  const git: OperatorGit = {
    tokens: hive.repoTokens,
    work: hive.work,
    needsPasskey: (name) => hive.passkeys.isRequired(name),
    permit: (name) => hive.operators.permitName(name, "repo_token"),
  };
  const proxy = (isPeer: NonNullable<WebDeps["proxy"]>["isPeer"]): Pick<WebDeps, "proxy"> =>
    header === undefined ? {} : { proxy: { header, isPeer, streams: hive.proxiedStreams } };
  app = webApp({ ...deps, origins, git, ...(peers?.kind === "tcp" ? proxy(peerWithin(peers.addresses)) : {}) });
  // A page on its own port may talk only to that port. Other origins are foreign, although they share the cookie.
  hive.pages.answerWith(port, (agent, own) => {
    const only = { agent: agent.name, home: () => hive.urls.home };
    const respond = getRequestListener(webApp({ ...deps, origins: originsFor(own, undefined), only }).fetch);
    return (request, response) => void respond(request, response);
  });
  const servers = [server];
  const six = await otherLocalhost(config, port, fetch);
  if (six) servers.push(six);
  if (peers?.kind === "unix" && config.publicUrl) {
    // Every connection is the proxy's: no other user can open the socket.
    const own = webApp({ ...deps, origins: publicOrigins(config.publicUrl), git, ...proxy(() => true) });
    const proxied = listener(own.fetch);
    servers.push(proxied);
    await openProxySocket(proxied, peers.user, { run: paths.run, path: paths.proxySocket, w4rden: findW4rden() });
  }
  return {
    close() {
      for (const one of servers) {
        one.close();
        one.closeAllConnections();
      }
    },
  };
}

/** The last line of a stream. The app refuses those of which a page needs more. */
async function lastOf(lines: AsyncIterable<object>): Promise<object> {
  let last = {};
  for await (const line of lines) last = line;
  return last;
}

/** What a hive gives to each of its listeners. */
export function surfaceOf(hive: System): Omit<WebDeps, "origins" | "files" | "onUnexpected"> {
  return {
    hiveId: hive.id,
    sessions: hive.sessions,
    operators: hive.operators,
    passkeys: hive.passkeys,
    call(name, input, operator, browser) {
      const answer = hive.call(name, input, { kind: "operator", operator, ended: new AbortController().signal, browser });
      return typeof answer === "function" ? new Promise(answer) : lastOf(answer);
    },
    subscribe: (filter, stream, operator) =>
      subscribe(hive, filter, (frame) => stream.write(frame.sse), hive.passkeys.you(operator)),
    metrics: () => hive.metrics.text(),
    download: (input, { name }, ended) => openDownload(hive, input, operatorActor(name), ended),
  };
}

type Fetch = Parameters<typeof createAdaptorServer>[0]["fetch"];
const listener = (fetch: Fetch): Server => bounded(createAdaptorServer({ fetch }) as Server);

/**
 * Takes the port of IPv6 loopback too, where browsers look for `localhost` first: another user's program there would get
 * the cookie of the page. Undefined if the page is not at localhost, or if this host has no IPv6. Throws if the port is taken.
 */
export async function otherLocalhost({ bind, publicUrl }: Config, port: number, fetch: Fetch): Promise<Server | undefined> {
  if (publicUrl?.hostname !== "localhost" || bind !== "127.0.0.1") return undefined;
  const server = listener(fetch);
  try {
    server.listen(port, "::1");
    await once(server, "listening");
    return server;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT") return undefined;
    throw new HiveError(
      "conflict",
      `port ${port} of ::1 cannot be taken (${code ?? String(error)}), and browsers look for localhost there: stop what uses it, or set HIVE_PORT`,
    );
  }
}

async function listen(server: Server, config: Config): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE"
          ? new HiveError("conflict", `port ${config.port} is taken: stop what uses it, or set HIVE_PORT (0 takes any free one)`)
          : error,
      ),
    );
    server.listen(config.port, config.bind, resolve);
  });
}
