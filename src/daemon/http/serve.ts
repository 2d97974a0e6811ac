import { createAdaptorServer, getRequestListener } from "@hono/node-server";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Paths } from "../../lib/paths.ts";
import { HiveError } from "../../wire/error.ts";
import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
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
  const server = listener((request, bindings) => app?.fetch(request, bindings) ?? new Response("starting\n", { status: 503 }));
  await listen(server, config);
  const { port } = server.address() as AddressInfo;
  const origins = originsFor(port, config.publicUrl);
  hive.urls.home = origins.canonical.origin;
  const deps: Omit<WebDeps, "origins"> = {
    hiveId: hive.id,
    files: new StaticFiles(INTERFACE),
    sessions: hive.sessions,
    operators: hive.operators,
    call(name, input, operator) {
      const answer = hive.call(name, input, { kind: "operator", operator, ended: new AbortController().signal, browser: true });
      // The app refuses streams before this.
      if (typeof answer !== "function") throw new Error(`${name} is a stream`);
      return new Promise(answer);
    },
    subscribe: (filter, stream, { name, role }) => subscribe(hive, filter, (frame) => stream.write(frame.sse), { name, role }),
    metrics: () => hive.metrics.text(),
    onUnexpected: (error) => log.error({ err: error }, "unexpected"),
  };
  const git: OperatorGit = {
    tokens: hive.repoTokens,
    work: hive.work,
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

const listener = (fetch: Parameters<typeof createAdaptorServer>[0]["fetch"]): Server =>
  bounded(createAdaptorServer({ fetch }) as Server);

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
