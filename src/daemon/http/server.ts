import type { Server } from "node:http";
import { boundConnections } from "../../rpc/connection-limit.ts";

/** Milliseconds for the headers of a request, and for all of it: a slow writer holds a connection for seconds, not for ever. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 60_000;

/** Connections of browsers: each holds one for its events and some for its requests. */
const MAX_CONNECTIONS = 1_000;

/** Gives an HTTP server the limits that every listener of ours has. */
export function bounded(server: Server): Server {
  server.headersTimeout = HEADERS_MS;
  server.requestTimeout = REQUEST_MS;
  boundConnections(server, MAX_CONNECTIONS);
  return server;
}
