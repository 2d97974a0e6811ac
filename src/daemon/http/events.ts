import type { ServerResponse } from "node:http";
import { rawSecurityHeaders } from "./headers.ts";

/** A comment line this often keeps proxies and phones from closing a quiet stream. Milliseconds. */
const KEEPALIVE_MS = 25_000;
/** Bytes that may wait for one browser. Past that it is cut off and resumes from its last seq. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/** An open event stream to one browser. */
export interface EventStream {
  /** Writes a whole frame; the same buffer goes to every reader. False when the reader is gone or was cut off. */
  write(frame: Buffer): boolean;
  close(): void;
}

/** Starts a server-sent event stream on a raw response. `onEnd` runs once, however it ends. */
export function openEventStream(response: ServerResponse, onEnd: () => void): EventStream {
  response.writeHead(200, {
    ...rawSecurityHeaders,
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    Connection: "keep-alive",
  });
  // Tells the page that the stream stands, before anything happens.
  response.write("retry: 1000\n\n");
  const keepalive = setInterval(() => response.write(":\n\n"), KEEPALIVE_MS);
  keepalive.unref();
  response.once("close", () => {
    clearInterval(keepalive);
    onEnd();
  });
  response.on("error", () => response.destroy());
  return {
    write(frame) {
      if (response.destroyed || response.writableEnded) return false;
      if (response.writableLength > MAX_WAITING_BYTES) {
        response.destroy();
        return false;
      }
      response.write(frame);
      return true;
    },
    close: () => void response.end(),
  };
}
