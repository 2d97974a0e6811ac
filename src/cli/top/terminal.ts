import { keysIn } from "./keys.ts";

/** What a terminal has that does not know its size. */
const [ROWS, COLUMNS] = [24, 80];

const ENTER = "\u001B[?1049h\u001B[?25l";
const LEAVE = "\u001B[?25h\u001B[?1049l";
/** The terminal shows what comes between at once, where it knows how: no flicker. */
const [BEGIN, END] = ["\u001B[?2026h\u001B[H", "\u001B[J\u001B[?2026l"];

/** Whoever ends it from elsewhere, or closes its window: the terminal is left as it was then too. */
const ENDINGS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** What happens to a terminal. */
export interface Heard {
  key(key: string): void;
  resized(): void;
  /** A signal asks for the end. */
  ended(): void;
}

/** The terminal of this process as a screen with keys, until it is left: then it is as it was. */
export class ScreenTerminal {
  readonly #heard: Heard;
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

  /** Draws lines over the whole screen. Nothing once it is left, or while something else is printed. */
  draw(lines: readonly string[]): void {
    if (this.#isOpen) process.stdout.write(BEGIN + lines.map((line) => `${line}\u001B[K`).join("\r\n") + END);
  }

  /** Shows the screen from before, for lines that run through it; the keys are heard on. */
  aside(): void {
    this.#isOpen = false;
    process.stdout.write(LEAVE);
  }
  back(): void {
    this.#isOpen = true;
    process.stdout.write(ENTER);
  }

  readonly #onData = (data: Buffer): void => {
    for (const key of keysIn(data.toString())) this.#heard.key(key);
  };
  readonly #onResize = (): void => this.#heard.resized();
  readonly #onEnd = (): void => this.#heard.ended();
}
