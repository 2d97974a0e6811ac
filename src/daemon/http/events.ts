import type { ServerResponse } from "node:http";
import { rawSecurityHeaders } from "./headers.ts";

/** A comment line this often keeps proxies and phones from closing a quiet stream. Milliseconds. */
const KEEPALIVE_MS = 25_000;
const KEEPALIVE = Buffer.from(":\n\n");
/**
 * The maximum bytes that wait for a browser. Beyond this it is disconnected and resumes from its last seq. A replay and
 * the views of all agents, which a new reader gets at once, are much smaller, so a reader that reconnects makes
 * progress.
 */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
/** The maximum bytes gathered within one turn of the loop. A long replay is written in pieces. */
const MAX_GATHERED_BYTES = 256 * 1024;

/** An open event stream to one browser. */
export interface EventStream {
  /**
   * Writes a whole frame. All readers share the buffer. Returns false if the reader has disconnected or was
   * disconnected.
   */
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
 * The pending writes of all readers. A commit brings several events at once. Each reader gets them in one write, and
 * readers of the same events share the buffer.
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
 * Starts a server-sent event stream on a raw response. `onEnd` runs once, however it ends. The end of the connection
 * ends the body, so frames are written to the socket without chunk headers.
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
  // Tells the page that the stream is open, before the first event.
  response.write("retry: 1000\n\n");
  // A pipelined request has no socket yet. The response then buffers the frames.
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
