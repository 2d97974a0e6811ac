import type { Socket } from "node:net";
import { MAX_CONNECTION_BYTES_IN_FLIGHT } from "../wire/limits.ts";

/** Concurrent requests of one connection. Further requests wait in the socket. */
const MAX_IN_FLIGHT = 256;
/** Time of the daemon's thread that a socket may save up for a burst. Milliseconds. */
const MAX_SAVED_MS = 200;

/**
 * The requests that one socket has taken and not answered, over all its connections. While they exceed `mostBytes`, no
 * connection is read; reading goes on at half of that. A character counts as a byte, so memory is at most twice the
 * bound. Reading its requests takes at most `share` of the time of the daemon's thread, after a burst: past that no
 * connection is read for a while, so that a caller that asks without end leaves the thread to the others.
 */
export class InFlight {
  readonly #mostBytes: number;
  readonly #connections = new Set<ConnectionInFlight>();
  readonly #share: number;
  #bytes = 0;
  #isFull = false;
  /** Time that the requests may still take, and when that was so. Milliseconds. */
  #savedMs = MAX_SAVED_MS;
  #savedAt = performance.now();
  #rest: NodeJS.Timeout | undefined;

  constructor(mostBytes: number, share = 1) {
    this.#mostBytes = mostBytes;
    this.#share = share;
  }

  /** True while no connection may be read. */
  get isFull(): boolean {
    return this.#isFull || this.#rest !== undefined;
  }

  /** Reading requests took from `start` until now, in milliseconds of `performance.now`. */
  spent(start: number): void {
    if (this.#share >= 1) return;
    const now = performance.now();
    const saved = this.#savedMs + (now - this.#savedAt) * this.#share;
    this.#savedMs = Math.min(MAX_SAVED_MS, saved) - (now - start);
    this.#savedAt = now;
    if (this.#savedMs >= 0 || this.#rest) return;
    this.#rest = setTimeout(() => {
      this.#rest = undefined;
      this.#look();
    }, -this.#savedMs / this.#share);
    this.#rest.unref();
    this.#look();
  }

  /** Bounds one connection as well. It counts until it closes. */
  of(socket: Socket): ConnectionInFlight {
    const connection = new ConnectionInFlight(socket, this);
    this.#connections.add(connection);
    socket.once("close", () => this.#connections.delete(connection));
    return connection;
  }

  /** Counts `bytes` more, or fewer if negative. */
  add(bytes: number): void {
    this.#bytes += bytes;
    const isFull = this.#isFull ? this.#bytes > this.#mostBytes / 2 : this.#bytes > this.#mostBytes;
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    this.#look();
  }

  #look(): void {
    for (const connection of this.#connections) connection.look();
  }
}

/** The unanswered requests of one connection. Pauses its socket while there are too many. */
export class ConnectionInFlight {
  readonly #socket: Socket;
  readonly #all: InFlight;
  #count = 0;
  #bytes = 0;
  #isPaused = false;

  constructor(socket: Socket, all: InFlight) {
    this.#socket = socket;
    this.#all = all;
    this.look();
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** A request of `bytes` has been taken. */
  took(bytes: number): void {
    this.#count++;
    this.#bytes += bytes;
    this.#all.add(bytes);
    this.look();
  }

  /** A request of `bytes` has been answered. */
  answered(bytes: number): void {
    this.#count--;
    this.#bytes -= bytes;
    this.#all.add(-bytes);
    this.look();
  }

  /** Pauses or resumes the socket if that is due. */
  look(): void {
    const isFull = this.#all.isFull || this.#count >= MAX_IN_FLIGHT || this.#bytes > MAX_CONNECTION_BYTES_IN_FLIGHT;
    if (isFull === this.#isPaused) return;
    this.#isPaused = isFull;
    if (isFull) this.#socket.pause();
    else this.#socket.resume();
  }
}
