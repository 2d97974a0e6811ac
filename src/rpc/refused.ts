import type { Socket } from "node:net";

/**
 * How long a refused connection may stay open to read the reason. A peer that never hangs up would otherwise keep a
 * descriptor open.
 */
const REFUSED_MS = 250;

/** Sends refused connections the reason, then closes them after the peer has had time to read it. */
export class Refused {
  /** How many refused connections may stay open at once. Further ones are closed immediately. */
  readonly #most: number;
  #leaving = 0;

  constructor(most: number) {
    this.#most = most;
  }

  letGo(socket: Socket, words: string): void {
    socket.on("error", () => socket.destroy());
    socket.write(words);
    if (this.#leaving >= this.#most) {
      socket.destroySoon();
      return;
    }
    this.#leaving++;
    const timer = setTimeout(() => socket.destroy(), REFUSED_MS);
    timer.unref();
    socket.once("close", () => {
      this.#leaving--;
      clearTimeout(timer);
    });
    socket.once("end", () => socket.destroySoon());
    socket.resume();
  }
}
