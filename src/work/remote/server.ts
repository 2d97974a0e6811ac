import type { Readable } from "node:stream";

/** A service of a git server: what it sends history with, and what it takes pushes with. */
export type Service = "git-upload-pack" | "git-receive-pack";

/** One conversation with a service: the server lists its refs, is asked once, and answers once. */
export interface Conversation {
  /** The list of refs, up to and with its flush, in the format of protocol version 0. */
  readonly advertised: Buffer;
  /** Sends the request, and resolves with the answer. */
  ask(request: Readable): Promise<Readable>;
  /** Ends it. May be called at any time, and again. */
  close(): void;
}

/** A repository of a git server. */
export interface GitServer {
  /** Its address for people, without a credential. */
  readonly address: string;
  /** Begins a conversation. Throws a HiveError that says what to do if the server refuses. */
  open(service: Service, signal: AbortSignal): Promise<Conversation>;
}

/** Bytes of a list of refs: those that count, and two hundred thousand of pull requests. It is read at once. */
export const MAX_ADVERTISED_BYTES = 16 * 1024 * 1024;
/** Maximum silence of a server: it may search its whole history before it sends the first byte. Milliseconds. */
export const SILENCE_MS = 5 * 60_000;
