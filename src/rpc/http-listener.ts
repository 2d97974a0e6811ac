import { rmSync } from "node:fs";
import type { Server } from "node:http";
import { boundConnections } from "./connection-limit.ts";

/** Connections that may wait to be accepted. The kernel refuses further ones without a reason. */
const BACKLOG = 4096;
/** Maximum time for a request's headers, so that a slow writer cannot keep a connection. Milliseconds. */
const HEADERS_MS = 20_000;

/**
 * Makes an HTTP server listen on a Unix socket with at most this many connections. Replaces the socket file of an
 * earlier daemon.
 */
export function listenHttp(server: Server, path: string, maxConnections: number): Promise<Server> {
  server.headersTimeout = HEADERS_MS;
  boundConnections(server, maxConnections);
  rmSync(path, { force: true });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path, backlog: BACKLOG }, () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}

/** Closes a server with its connections. */
export function closeHttp(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
