import type { Socket } from "node:net";

/** How long a refused connection may stay, to read why. A peer that never hangs up would hold a descriptor for ever. */
const REFUSED_MS = 250;

/** Sends refused connections away: each is told why, and closed wholly, but not before its peer could read the word. */
export class Refused {
  /** How many may stay for that moment; the others are closed at once. */
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
