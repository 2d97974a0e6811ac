import type { Server } from "node:http";
import { boundConnections } from "../../rpc/connection-limit.ts";

/**
 * The time limits for the headers of a request and for the whole request, so that a slow writer does not hold a
 * connection forever. Milliseconds.
 */
const HEADERS_MS = 10_000;
const REQUEST_MS = 60_000;

/** The maximum number of browser connections. Each browser has one for its events and some for its requests. */
const MAX_CONNECTIONS = 1_000;

/** Sets the limits of all the hive's HTTP listeners. */
export function bounded(server: Server): Server {
  server.headersTimeout = HEADERS_MS;
  server.requestTimeout = REQUEST_MS;
  boundConnections(server, MAX_CONNECTIONS);
  return server;
}
