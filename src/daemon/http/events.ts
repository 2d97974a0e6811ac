import type { ServerResponse } from "node:http";
import { rawSecurityHeaders } from "./headers.ts";

/** A comment line this often keeps proxies and phones from closing a quiet stream. Milliseconds. */
const KEEPALIVE_MS = 25_000;
const KEEPALIVE = Buffer.from(":\n\n");
/**
 * Bytes that may wait for one browser. Past that it is cut off and resumes from its last seq. A replay and the views of
 * all agents, which a reader gets at once when it connects, stay well below it: a reader that reconnects gets on.
 */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
/** Bytes that are gathered within one turn of the loop: a long replay goes to the kernel piece by piece. */
const MAX_GATHERED_BYTES = 256 * 1024;

/** An open event stream to one browser. */
export interface EventStream {
  /** Writes a whole frame; the same buffer goes to every reader. False when the reader is gone or was cut off. */
  write(frame: Buffer): boolean;
  close(): void;
}

/** The frames that one reader gets in this turn of the loop. */
interface Gathered {
  frames: Buffer[];
  bytes: number;
  write(bytes: Buffer): void;
}

/**
 * What waits to be written, of all readers: a commit brings several events at once, and what they get of them is one
 * write each, of one buffer that those share who get the same.
 */
const waiting = new Set<Gathered>();

function writeLater(gathered: Gathered): void {
  if (waiting.size === 0) process.nextTick(writeAll);
  waiting.add(gathered);
}

function writeAll(): void {
  let shared: { frames: readonly Buffer[]; bytes: Buffer } | undefined;
  for (const gathered of waiting) {
    const { frames } = gathered;
    if (!shared || !isSame(shared.frames, frames)) shared = { frames, bytes: joined(frames) };
    take(gathered);
    gathered.write(shared.bytes);
  }
  waiting.clear();
}

function take(gathered: Gathered): void {
  gathered.frames = [];
  gathered.bytes = 0;
}

const joined = (frames: readonly Buffer[]): Buffer => (frames.length === 1 && frames[0] ? frames[0] : Buffer.concat(frames));
const isSame = (a: readonly Buffer[], b: readonly Buffer[]): boolean =>
  a.length === b.length && a.every((frame, at) => frame === b[at]);

/**
 * Starts a server-sent event stream on a raw response. `onEnd` runs once, however it ends. The end of the connection is
 * the end of the body: without chunks around them the frames go to the socket as they are.
 */
export function openEventStream(response: ServerResponse, onEnd: () => void): EventStream {
  response.removeHeader("Transfer-Encoding");
  response.writeHead(200, {
    ...rawSecurityHeaders,
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    Connection: "close",
  });
  // Tells the page that the stream stands, before anything happens.
  response.write("retry: 1000\n\n");
  // A request that came behind another one in the same connection has no socket yet: the response keeps what it gets.
  const socket = response.socket ?? response;
  const gathered: Gathered = { frames: [], bytes: 0, write: (bytes) => void (socket.destroyed || socket.write(bytes)) };
  const write = (frame: Buffer): boolean => {
    if (socket.destroyed || response.writableEnded) return false;
    if (socket.writableLength + gathered.bytes > MAX_WAITING_BYTES) {
      response.destroy();
      return false;
    }
    gathered.frames.push(frame);
    gathered.bytes += frame.length;
    if (gathered.bytes > MAX_GATHERED_BYTES) flush();
    else if (gathered.frames.length === 1) writeLater(gathered);
    return true;
  };
  const flush = (): void => {
    waiting.delete(gathered);
    const { frames } = gathered;
    take(gathered);
    if (frames.length > 0) gathered.write(joined(frames));
  };
  const keepalive = setInterval(() => write(KEEPALIVE), KEEPALIVE_MS);
  keepalive.unref();
  response.once("close", () => {
    clearInterval(keepalive);
    onEnd();
  });
  response.on("error", () => response.destroy());
  return {
    write,
    close() {
      flush();
      response.end();
    },
  };
}
