import { Keys } from "./keys.ts";

/** The size assumed for a terminal that does not report one. */
const [ROWS, COLUMNS] = [24, 80];

/** With bracketed paste: a pasted text is a text, and never the keys that it consists of. */
const ENTER = "\u001B[?1049h\u001B[?25l\u001B[?2004h";
const LEAVE = "\u001B[?2004l\u001B[?25h\u001B[?1049l";
/** Synchronized output: a terminal that supports it draws what comes between at once, without flicker. */
const [BEGIN, END] = ["\u001B[?2026h\u001B[H", "\u001B[J\u001B[?2026l"];

/** Signals that end the program from outside or when its window closes. The terminal is restored then, too. */
const ENDINGS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Input of a terminal. */
export interface Heard {
  key(key: string): void;
  resized(): void;
  /** A signal asks the program to end. */
  ended(): void;
}

/** The terminal of this process as a screen with keys. Leaving restores its previous state. */
export class ScreenTerminal {
  readonly #heard: Heard;
  readonly #keys = new Keys();
  #isOpen = false;

  constructor(heard: Heard) {
    this.#heard = heard;
  }

  static get isThere(): boolean {
    return process.stdout.isTTY && process.stdin.isTTY;
  }
  get rows(): number {
    return process.stdout.rows || ROWS;
  }
  get columns(): number {
    return process.stdout.columns || COLUMNS;
  }

  enter(): void {
    this.#isOpen = true;
    for (const signal of ENDINGS) process.on(signal, this.#onEnd);
    process.stdin.setRawMode(true).resume();
    process.stdin.on("data", this.#onData);
    process.stdout.on("resize", this.#onResize);
    process.stdout.write(ENTER);
  }

  leave(): void {
    this.#isOpen = false;
    process.stdin.setRawMode(false).pause();
    process.stdin.off("data", this.#onData);
    for (const signal of ENDINGS) process.off(signal, this.#onEnd);
    process.stdout.off("resize", this.#onResize);
    process.stdout.write(LEAVE);
  }

  /** Draws lines over the whole screen. Does nothing after it was left, or while other output is printed. */
  draw(lines: readonly string[]): void {
    if (this.#isOpen) process.stdout.write(BEGIN + lines.map((line) => `${line}\u001B[K`).join("\r\n") + END);
  }

  /** Returns to the normal screen for output that scrolls. Keys are still read. */
  aside(): void {
    this.#isOpen = false;
    process.stdout.write(LEAVE);
  }
  back(): void {
    this.#isOpen = true;
    process.stdout.write(ENTER);
  }

  readonly #onData = (data: Buffer): void => {
    for (const key of this.#keys.read(data.toString())) this.#heard.key(key);
  };
  readonly #onResize = (): void => this.#heard.resized();
  readonly #onEnd = (): void => this.#heard.ended();
}
