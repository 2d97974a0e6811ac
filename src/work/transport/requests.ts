import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** HTTP requests in work: one for each connection. */
export class Requests {
  readonly #last = new WeakMap<Socket, ServerResponse>();
  readonly #inWork = new Map<Promise<void>, Socket>();
  #isClosed = false;

  /**
   * Answers a request. `ended` aborts when its connection closes, and after `mostMs`. A response that waits behind
   * another one does not report that its connection has closed, so a connection that sends a request before the answer
   * to the last one is closed: git does not do that.
   */
  async run(
    { request, response, mostMs }: { request: IncomingMessage; response: ServerResponse; mostMs: number },
    answer: (ended: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const { socket } = request;
    const last = this.#last.get(socket);
    if (this.#isClosed || socket.destroyed || (last && !last.writableFinished)) return void socket.destroy();
    this.#last.set(socket, response);
    const gone = new AbortController();
    const leave = (): void => gone.abort(new Error("the client has gone"));
    socket.once("close", leave);
    response.once("close", leave);
    const timer = setTimeout(() => socket.destroy(), mostMs);
    const work = answer(gone.signal);
    this.#inWork.set(work, socket);
    try {
      await work;
    } finally {
      clearTimeout(timer);
      socket.off("close", leave);
      this.#inWork.delete(work);
    }
  }

  /** Ends all requests, and refuses new ones. Resolves when the last one has stopped. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const socket of this.#inWork.values()) socket.destroy();
    await Promise.allSettled(this.#inWork.keys());
  }
}
