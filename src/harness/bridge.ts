import { connect, createServer, type Socket } from "node:net";
import { growingPauses, type PauseRange } from "../lib/pauses.ts";

/** How long a new connection is parked while the other side does not listen. Milliseconds. */
const PARK_MS = 10 * 60_000;
/** Between two attempts to reach the daemon. */
const RECONNECT: PauseRange = { firstMs: 25, mostMs: 1_000 };

export interface Bridge {
  port: number;
  close(): void;
}

/**
 * A port on the cage's loopback that leads to a Unix socket of the daemon. While the daemon is away, new connections
 * are parked, so that its restart does not fail a turn. Connections that were open are closed, and the client retries.
 */
export function openBridge(path: string, parkMs = PARK_MS): Promise<Bridge> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (inner) => {
    inner.on("error", () => inner.destroy());
    reach(path, performance.now() + parkMs, growingPauses(RECONNECT), inner, (outer) => join(inner, outer));
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") return reject(new Error("the bridge has no port"));
      resolve({ port: address.port, close: () => void server.close() });
    });
  });
}

function reach(
  path: string,
  until: number,
  pauses: Generator<number, never>,
  inner: Socket,
  reached: (outer: Socket) => void,
): void {
  if (inner.destroyed) return;
  const outer = connect({ path, allowHalfOpen: true });
  outer.once("connect", () => {
    outer.removeAllListeners("error");
    reached(outer);
  });
  outer.once("error", () => {
    if (performance.now() > until) return void inner.destroy();
    setTimeout(() => reach(path, until, pauses, inner, reached), pauses.next().value);
  });
}

/** Pipes both ways with back-pressure. An end on one side is passed on to the other; an error closes both. */
function join(inner: Socket, outer: Socket): void {
  outer.on("error", () => inner.destroy());
  inner.on("error", () => outer.destroy());
  inner.on("close", (hadError) => (hadError ? outer.destroy() : outer.end()));
  outer.on("close", (hadError) => (hadError ? inner.destroy() : inner.end()));
  inner.pipe(outer);
  outer.pipe(inner);
}
