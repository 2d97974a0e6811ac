import { chmodSync, chownSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { killGroup } from "../os/run-bytes.ts";
import { FRAME, frames } from "../rpc/frames.ts";
import { schemaComplaint } from "../wire/error.ts";
import { MAX_REQUEST_BYTES, W4RDEN_SOCKET, W4rdenRequest, type W4rdenEnded, type W4rdenStarted } from "../wire/w4rden.ts";
import type { VerbContext } from "./context.ts";
import { Refusal } from "./refusal.ts";
import { deliver } from "./verbs/deliver.ts";
import { isExported } from "../os/git/exported-folder.ts";
import { exportRepository, type Started } from "./verbs/export.ts";
import { giveProxySocket, giveSocket } from "./verbs/give-socket.ts";
import { containerLogs, containersOf } from "./verbs/containers.ts";
import { mount } from "./verbs/mount.ts";

/** Connections at once. The daemon has a few repositories and mounts in work at any time. */
const MAX_CONNECTIONS = 64;
/** Time for a request to arrive. Milliseconds. */
const REQUEST_MS = 10_000;
/** Time for a program: more than the daemon itself waits for a transfer. Milliseconds. */
const PROGRAM_MS = 2 * 60 * 60_000;
const RAN_LONG = "the program ran for two hours, which is the most, and was ended: try again";
const FOLLOWED_LONG = "the journal was followed for two hours, which is the most: follow it again";
const NEWLINE = 0x0a;

/** Opens the helper's socket. Only the daemon's user can connect, and it is in no namespace but the helper's and the daemon's. */
export function openSocket(context: VerbContext, onDefect: (error: unknown) => void, path = W4RDEN_SOCKET): Promise<Server> {
  const server = createServer(
    { allowHalfOpen: true, pauseOnConnect: false },
    (socket) => new Connection(socket, context, onDefect),
  );
  server.maxConnections = MAX_CONNECTIONS;
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      chownSync(path, context.account.uid, context.account.gid);
      chmodSync(path, 0o600);
      resolve(server);
    });
  });
}

/** One request. What it has started ends with the connection, and the other way round. */
class Connection {
  readonly #socket: Socket;
  readonly #context: VerbContext;
  readonly #onDefect: (error: unknown) => void;
  #line = Buffer.alloc(0);
  readonly #timer: NodeJS.Timeout;

  constructor(socket: Socket, context: VerbContext, onDefect: (error: unknown) => void) {
    this.#socket = socket;
    this.#context = context;
    this.#onDefect = onDefect;
    this.#timer = setTimeout(() => this.#end({ error: "no request came" }), REQUEST_MS);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => clearTimeout(this.#timer));
    socket.on("data", this.#read);
    socket.on("end", this.#halfRead);
  }

  readonly #read = (chunk: Buffer): void => {
    const end = chunk.indexOf(NEWLINE);
    this.#line = Buffer.concat([this.#line, end === -1 ? chunk : chunk.subarray(0, end)]);
    if (this.#line.length > MAX_REQUEST_BYTES)
      return this.#end({ error: `the request is longer than ${MAX_REQUEST_BYTES} bytes` });
    if (end === -1) return;
    clearTimeout(this.#timer);
    this.#socket.off("data", this.#read).off("end", this.#halfRead).pause();
    const rest = chunk.subarray(end + 1);
    if (rest.length > 0) this.#socket.unshift(rest);
    try {
      this.#carryOut(parse(this.#line));
    } catch (error) {
      this.#refuse(error);
    }
  };
  readonly #halfRead = (): void => this.#end({ error: "the request has no end" });

  #carryOut(request: W4rdenRequest): void {
    switch (request.verb) {
      case "mount": {
        const { owner, bound } = mount(request, this.#context);
        this.#socket.once("close", () => this.#guard(() => bound.release()));
        this.#started({ owner, path: bound.path });
        return this.#refuseMore(() => this.#socket.destroy());
      }
      case "export":
        return this.#run(exportRepository(request, this.#context), request.what === "pack");
      case "deliver":
        return this.#run(deliver(request, this.#context), false);
      case "give_socket":
        this.#started(giveSocket(request, this.#context));
        return this.#end({ code: 0 });
      case "give_proxy_socket":
        this.#started(giveProxySocket(this.#context));
        return this.#end({ code: 0 });
      case "container_start":
        return this.#later(
          containersOf(this.#context)
            .start(request)
            .then(({ folder, pid }) =>
              this.#started({ owner: this.#context.account, path: folder, ...(pid === undefined ? {} : { pid }) }),
            ),
        );
      case "container_kill":
        return this.#later(containersOf(this.#context).kill(request.agent));
      case "container_destroy":
        return this.#later(containersOf(this.#context).destroy(request.agent));
      case "container_logs":
        return this.#run(containerLogs(request, this.#context), false, { endsWithInput: request.follow });
    }
  }

  /** Ends the connection when the work is done. The work goes on if the connection ends before. */
  #later(work: Promise<void>): void {
    this.#refuseMore(() => {});
    work.then(
      () => this.#end({ code: 0 }),
      (error: unknown) => this.#refuse(error),
    );
  }

  #refuse(error: unknown): void {
    if (!(error instanceof Refusal)) this.#onDefect(error);
    this.#end({ error: error instanceof Refusal ? error.message : "hive-w4rden failed: its terminal says why" });
  }

  /**
   * Connects a program with the socket. With `endsWithInput` it ends as soon as the caller can send no more: a program that
   * prints nothing for hours would not notice that nobody reads it.
   */
  #run({ owner, child, release }: Started, hasInput: boolean, { endsWithInput = false } = {}): void {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      killGroup(child);
    }, PROGRAM_MS);
    this.#socket.once("close", () => killGroup(child));
    // The owner is told once the folder has proved to be exported: its output begins after that, and so do these codes.
    let isTold = false;
    const tellOwner = (): void => {
      if (!isTold) this.#started({ owner });
      isTold = true;
    };
    child.stdout?.once("data", tellOwner);
    for (const [stream, type] of [
      [child.stdout, FRAME.stdout],
      [child.stderr, FRAME.stderr],
    ] as const) {
      stream?.on("data", (chunk: Buffer) => {
        if (this.#socket.write(frames(type, chunk))) return;
        stream.pause();
        this.#socket.once("drain", () => stream.resume());
      });
    }
    // A program that ends early breaks its pipe; its exit gives the reason.
    child.stdin?.on("error", () => {});
    if (hasInput && child.stdin) this.#socket.pipe(child.stdin);
    else {
      child.stdin?.end();
      this.#refuseMore(() => void (endsWithInput && this.#socket.destroy()));
    }
    const finish = (ended: W4rdenEnded): void => {
      clearTimeout(timer);
      this.#guard(release);
      this.#end(ended);
    };
    child.once("error", (error) => finish({ error: `the sandbox cannot be started: ${error.message}` }));
    child.once("close", (code) => {
      if (code !== null && isExported(code)) tellOwner();
      const killed = !isLate ? "the program was killed" : endsWithInput ? FOLLOWED_LONG : RAN_LONG;
      finish(code === null ? { error: killed } : { code });
    });
  }

  /** A second request, or input that a verb does not take, ends the connection. `onEnd` is called when no more can come. */
  #refuseMore(onEnd: () => void): void {
    this.#socket.on("data", () => this.#end({ error: "one request for each connection" }));
    this.#socket.on("end", onEnd);
    this.#socket.resume();
  }

  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#onDefect(error);
    }
  }

  #started(started: W4rdenStarted): void {
    this.#socket.write(frames(FRAME.started, Buffer.from(JSON.stringify(started))));
  }

  #end(ended: W4rdenEnded): void {
    clearTimeout(this.#timer);
    if (this.#socket.writableEnded || this.#socket.destroyed) return;
    this.#socket.end(frames(FRAME.ended, Buffer.from(JSON.stringify(ended))), () => this.#socket.destroy());
  }
}

function parse(line: Buffer): W4rdenRequest {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(line));
  } catch {
    // The reason does not matter: the bytes are not JSON in UTF-8.
    throw new Refusal("the request is not JSON");
  }
  const parsed = W4rdenRequest.safeParse(value);
  if (!parsed.success) throw new Refusal(`the request is refused: ${schemaComplaint(parsed.error)}`);
  return parsed.data;
}
