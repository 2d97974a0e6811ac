import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { ByCall } from "../wire/by-call.ts";
import { HiveError, parseOrThrow } from "../wire/error.ts";
import { MAX_ANSWER_BYTES } from "../wire/limits.ts";
import { operations, type Caller, type OperationName } from "../wire/operations.ts";
import { failure, successLine } from "./envelope.ts";
import { InFlight } from "./in-flight.ts";
import { parseStrictObject } from "./json.ts";
import { LineSplitter, LineWriter } from "./lines.ts";
import { requestId, type RequestId } from "./request-id.ts";
import { Refused } from "./refused.ts";

/** Longest Unix socket path. `sun_path` takes 108 bytes; the margin is for the folders of tests and tools. */
const MAX_SOCKET_PATH_BYTES = 100;
/** With Node's default of 511, a burst of 9,500 connects has refusals; with 4096 it has none (measured). */
const BACKLOG = 4096;

/** One connection as handlers see it. */
export interface Connection {
  /** What this connection may call. `hello` adds `harness`. */
  readonly callers: Set<Caller>;
  /** Sends a line that is not an answer. False if the peer has gone. */
  push(line: object): boolean;
  /** Aborts when the connection ends. */
  readonly ended: AbortSignal;
  close(): void;
}

/** The result of a handler: its output as a promise or by callback, or a stream of outputs. */
export type Answer = Promise<object> | ByCall<object> | AsyncIterable<object>;

/** Executes one parsed call. */
export type Dispatch = (name: OperationName, input: never, connection: Connection) => Answer;

export interface LineServerOptions {
  path: string;
  /** Permission bits of the socket file. */
  mode: number;
  callers: readonly Caller[];
  /** Throws if this socket may not call an operation now. Asked before the input is parsed. */
  permit?: (name: OperationName) => void;
  dispatch: Dispatch;
  maxConnections: number;
  /** Bytes of unanswered requests on all connections. Beyond that, none is read. */
  maxBytesInFlight: number;
  /** The share of the thread's time that reading this socket's requests may take, after a burst. Absent: all of it. */
  share?: number;
  /**
   * host.sock: requests have no id and are answered one at a time, in order. Otherwise each request has an `id`, all
   * run concurrently, and answers may arrive out of order.
   */
  ordered: boolean;
  /** Receives every failure that is not a HiveError: a defect of ours. */
  onUnexpected: (error: unknown) => void;
}

export interface LineServer {
  readonly path: string;
  /** Ends every connection. New ones are served. */
  cut(): void;
  close(): Promise<void>;
}

/** Refuses socket paths that the kernel would truncate. */
export function checkSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_SOCKET_PATH_BYTES) {
    throw new HiveError(
      "bad_request",
      `the socket path ${path} has ${bytes} bytes, more than ${MAX_SOCKET_PATH_BYTES}: choose a shorter HIVE_RUN_DIR`,
    );
  }
}

/** Serves the contract as JSON lines on a Unix socket. Replaces a socket file without a listener. */
export async function serveLines(options: LineServerOptions): Promise<LineServer> {
  checkSocketPath(options.path);
  await removeStale(options.path);
  const live = new Set<Socket>();
  const refused = new Refused(options.maxConnections);
  const inFlight = new InFlight(options.maxBytesInFlight, options.share);
  const words = `${JSON.stringify(failure(new HiveError("unavailable", `more than ${options.maxConnections} connections`)))}\n`;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    if (live.size >= options.maxConnections) {
      refused.letGo(socket, words);
      return;
    }
    live.add(socket);
    socket.on("close", () => live.delete(socket));
    serveConnection(socket, options, inFlight);
  });
  await listen(server, options.path);
  chmodSync(options.path, options.mode);
  const cut = (): void => {
    for (const socket of live) socket.destroy();
  };
  return {
    path: options.path,
    cut,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}

function serveConnection(socket: Socket, options: LineServerOptions, all: InFlight): void {
  const splitter = new LineSplitter();
  const writer = new LineWriter(socket);
  const ended = new AbortController();
  const inFlight = all.of(socket);
  let halfClosed = false;
  let turn = Promise.resolve();
  const connection: Connection = {
    callers: new Set(options.callers),
    push: (line) => writer.write(line),
    ended: ended.signal,
    close: () => void socket.destroy(),
  };

  socket.on("error", () => socket.destroy());
  socket.on("close", () => ended.abort());
  socket.on("end", () => {
    // A peer that has closed its half still gets its answers.
    halfClosed = true;
    if (inFlight.isEmpty) writer.end();
  });
  const onLine = (line: string): void => {
    const bytes = line.length;
    inFlight.took(bytes);
    if (options.ordered) queue(line);
    else answer(line, () => answered(bytes));
  };
  // Not in `onLine`: its callback would then keep the line in memory until the answer.
  const queue = (line: string): void => {
    turn = turn.then(() => new Promise<void>((resolve) => answer(line, resolve))).then(() => answered(line.length));
  };
  socket.on("data", (chunk: Buffer) => {
    const start = performance.now();
    try {
      splitter.push(chunk, onLine);
    } catch (error) {
      writer.write(failure(error));
      writer.end();
      socket.destroySoon();
    }
    all.spent(start);
  });

  /**
   * Answers one line, then calls `over`. Uses callbacks because the daemon answers some thirty thousand sends a second.
   */
  function answer(text: string, over: () => void): void {
    let id: RequestId | undefined;
    const failed = (error: unknown): void => {
      // Work that ended because its caller has gone has the reason of the caller's signal.
      const isGone = ended.signal.aborted && error === ended.signal.reason;
      if (!(error instanceof HiveError) && !isGone) options.onUnexpected(error);
      writer.write(id === undefined ? failure(error) : { id, ...failure(error) });
      over();
    };
    try {
      const line = parseStrictObject(text);
      if (!options.ordered) id = requestId(line["id"]);
      const name = operationNamed(line["cmd"], connection.callers);
      options.permit?.(name);
      const input = parseOrThrow(operations[name].input, line);
      const done = (output: object): void => {
        let json;
        try {
          json = successLine(id, JSON.stringify(output));
          checkAnswer(json);
        } catch (error) {
          return failed(error);
        }
        writer.writeLine(json);
        over();
      };
      const result = options.dispatch(name, input as never, connection);
      if (typeof result === "function") result(done, failed);
      else if (Symbol.asyncIterator in result) stream(result, id).then(over, failed);
      else result.then(done, failed);
    } catch (error) {
      failed(error);
    }
  }

  async function stream(outputs: AsyncIterable<object>, id: RequestId | undefined): Promise<void> {
    for await (const output of outputs) {
      if (!writer.writeLine(successLine(id, JSON.stringify(output)))) return;
      await writer.drained();
    }
  }

  function answered(bytes: number): void {
    inFlight.answered(bytes);
    if (halfClosed && inFlight.isEmpty) writer.end();
  }
}

/** Refuses an answer that no client would take. Listings end before that, so only the asker can ask for less. */
function checkAnswer(json: string): void {
  // A code unit is at most 3 bytes of UTF-8, so most answers are not counted.
  if (json.length * 3 <= MAX_ANSWER_BYTES || Buffer.byteLength(json) <= MAX_ANSWER_BYTES) return;
  throw new HiveError("too_large", `the answer is longer than ${MAX_ANSWER_BYTES} bytes: ask for less at once`);
}

function operationNamed(cmd: unknown, callers: Set<Caller>): OperationName {
  if (typeof cmd !== "string" || !Object.hasOwn(operations, cmd)) {
    throw new HiveError("bad_request", `unknown cmd ${JSON.stringify(String(cmd).slice(0, 80))}`);
  }
  const name = cmd as OperationName;
  const allowed = operations[name].callers as readonly Caller[];
  if (!allowed.some((caller) => callers.has(caller))) {
    throw new HiveError("forbidden", `"${name}" is not for this socket: it is for ${allowed.join(" and ")}`);
  }
  return name;
}

async function removeStale(path: string): Promise<void> {
  let stat;
  try {
    stat = lstatSync(path);
  } catch {
    // Nothing is in the way. If the folder cannot be read, `listen` fails with the reason.
    return;
  }
  if (!stat.isSocket()) throw new HiveError("conflict", `${path} is in the way and is not a socket: remove it`);
  if (await answers(path)) throw new HiveError("conflict", `another daemon already listens on ${path}`);
  unlinkSync(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => resolve(false)); // A socket that refuses is stale.
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path, backlog: BACKLOG }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}
