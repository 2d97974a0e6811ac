import { connect, type Socket } from "node:net";
import { HiveError } from "../wire/error.ts";
import type { Operation } from "../wire/operation.ts";
import { MAX_ANSWER_BYTES } from "../wire/limits.ts";
import type { Input, OperationName, Output } from "../wire/operations.ts";
import { unwrap } from "./envelope.ts";
import { LineSplitter, LineWriter } from "./lines.ts";

interface CallOptions {
  /** Stops waiting. The daemon may still execute the call. */
  signal?: AbortSignal;
}

/**
 * A typed client of one JSON-line socket. Calls may overlap. On an agent's socket, answers are matched by `id`. On
 * host.sock, where `id` is an argument, answers come in the order of the requests.
 */
export interface LineClient {
  /** Calls an operation and resolves with its validated output. Throws the daemon's `HiveError`, or `unavailable`. */
  call<N extends OperationName>(name: N, input: Input<N>, options?: CallOptions): Promise<Output<N>>;
  /** Iterates over a streaming operation until the caller stops or the connection ends. */
  stream<N extends OperationName>(name: N, input: Input<N>, options?: CallOptions): AsyncIterable<Output<N>>;
  /** Sends a call and ignores the answer. */
  notify<N extends OperationName>(name: N, input: Input<N>): void;
  /** Registers a listener for lines that the daemon pushes. */
  onPush(listener: (line: Record<string, unknown>) => void): void;
  /** Resolves when the connection has ended, with the error if there was one. */
  readonly closed: Promise<Error | undefined>;
  close(): void;
}

/** The connection ended before the answer came. The call may or may not have been executed. */
export class ConnectionLost extends HiveError {
  /** Identifies the error without the class. */
  readonly isConnectionLost = true;
  constructor() {
    super("unavailable", "the connection to the daemon ended");
  }
}

type Waiting = { settle(line: Record<string, unknown>): void; fail(error: Error): void };

/** The operations whose outputs a client can validate: the whole contract, or the part that it uses. */
export type Contract = Partial<Record<OperationName, Pick<Operation, "output">>>;

export interface ConnectOptions {
  /** host.sock: requests carry no id and are answered in order. */
  ordered?: boolean;
}

/**
 * Connects to a Unix socket that serves the contract: an agent's, or host.sock with `ordered`. Rejects with
 * `unavailable` if nothing listens. A call outside the given part of the contract is a defect.
 */
export async function connectWith(
  contract: Contract,
  path: string,
  { ordered = false }: ConnectOptions = {},
): Promise<LineClient> {
  const socket = await open(path);
  const writer = new LineWriter(socket);
  const splitter = new LineSplitter(MAX_ANSWER_BYTES);
  const waiting = new Map<number, Waiting>();
  const pushes: ((line: Record<string, unknown>) => void)[] = [];
  let nextId = 1;
  let lastError: Error | undefined;

  const closed = new Promise<Error | undefined>((resolve) => {
    socket.on("close", () => {
      const gone = lastError instanceof HiveError ? lastError : new ConnectionLost();
      for (const entry of waiting.values()) entry.fail(gone);
      waiting.clear();
      resolve(lastError);
    });
  });
  socket.on("error", (error) => (lastError = error));
  socket.on("data", (chunk: Buffer) => {
    try {
      splitter.push(chunk, onLine);
    } catch (error) {
      const isTooLong = error instanceof HiveError && error.code === "too_large";
      const words = `the daemon's answer is longer than ${MAX_ANSWER_BYTES} bytes, the most that is read: ask for less at once`;
      socket.destroy(isTooLong ? new HiveError("too_large", words) : (error as Error));
    }
  });

  function onLine(text: string): void {
    const line = JSON.parse(text) as Record<string, unknown>;
    if ("push" in line) {
      for (const listener of pushes) listener(line);
      return;
    }
    // A Map keeps insertion order, so the first entry is the oldest request.
    const id = ordered ? waiting.keys().next().value : line["id"];
    if (typeof id === "number") waiting.get(id)?.settle(line);
  }

  function request(name: OperationName, input: object, entry: Waiting): number {
    const id = nextId++;
    waiting.set(id, entry);
    if (!writer.write(ordered ? { cmd: name, ...input } : { ...input, id, cmd: name })) {
      waiting.delete(id);
      // Not before the caller has its id.
      queueMicrotask(() => entry.fail(new ConnectionLost()));
    }
    return id;
  }

  return {
    call: (name, input, options) =>
      new Promise((resolve, reject) => {
        options?.signal?.throwIfAborted();
        const id = request(name, input, {
          settle(line) {
            done();
            try {
              resolve(outputOf(contract, name).parse(unwrap(line)) as never);
            } catch (error) {
              reject(error);
            }
          },
          fail(error) {
            done();
            reject(error);
          },
        });
        const onAbort = () => {
          reject(new HiveError("unavailable", "the call was given up"));
          // On an ordered connection the answer still arrives. It must not be taken for the answer to the next call.
          if (!ordered) done();
        };
        options?.signal?.addEventListener("abort", onAbort, { once: true });
        function done(): void {
          waiting.delete(id);
          options?.signal?.removeEventListener("abort", onAbort);
        }
      }),

    async *stream(name, input, options) {
      // A stream that was aborted before it started would never see the signal.
      if (options?.signal?.aborted) return void socket.destroy();
      const lines: Record<string, unknown>[] = [];
      let failed: Error | undefined;
      let wake: (() => void) | undefined;
      const id = request(name, input, {
        settle(line) {
          lines.push(line);
          wake?.();
        },
        fail(error) {
          failed = error;
          wake?.();
        },
      });
      const onAbort = () => waiting.get(id)?.fail(new HiveError("unavailable", "stopped listening"));
      options?.signal?.addEventListener("abort", onAbort, { once: true });
      try {
        for (;;) {
          const line = lines.shift();
          if (line) {
            yield outputOf(contract, name).parse(unwrap(line)) as never;
            continue;
          }
          if (failed) {
            if (options?.signal?.aborted) return;
            throw failed;
          }
          await new Promise<void>((resolve) => (wake = resolve));
        }
      } finally {
        waiting.delete(id);
        options?.signal?.removeEventListener("abort", onAbort);
        // A stream has no stop verb. Closing its connection ends it.
        socket.destroy();
      }
    },

    notify(name, input) {
      writer.write({ cmd: name, ...input });
    },
    onPush: (listener) => void pushes.push(listener),
    closed,
    close: () => writer.end(),
  };
}

function outputOf(contract: Contract, name: OperationName): Operation["output"] {
  const operation = contract[name];
  if (!operation) throw new Error(`this client was not given ${name}`);
  return operation.output;
}

function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      reject(new HiveError("unavailable", `no daemon answers at ${path} (${error.code ?? error.message})`, { cause: error }));
    });
  });
}
