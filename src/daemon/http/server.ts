import type { Server } from "node:http";

/** Milliseconds for the headers of a request, and for all of it: a slow writer holds a connection for seconds, not for ever. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 60_000;

/** Gives an HTTP server the limits that every listener of ours has. */
export function bounded(server: Server): Server {
  server.headersTimeout = HEADERS_MS;
  server.requestTimeout = REQUEST_MS;
  return server;
}
