import { stripVTControlCharacters } from "node:util";

/** Bytes of the screen that are kept: many times what the flow prints. */
const MAX_SCREEN_BYTES = 256 * 1024;
/** Characters of a reason that the CLI prints. */
const MAX_REASON_CHARS = 400;
/** An address of the provider's own sites, where a log-in begins. */
const SITES = /^(?:[a-z0-9-]+\.)*(?:claude\.ai|claude\.com|anthropic\.com)$/;
/** A terminal link, with its address. Unlike the text, it is never broken into lines. */
// eslint-disable-next-line no-control-regex
const LINK = /\x1b\]8;[^;\x07\x1b]*;(https:\/\/[^\x07\x1b\s]+)(?:\x07|\x1b\\)/g;
/** Moves to a column: the CLI prints them where others print spaces. */
// eslint-disable-next-line no-control-regex
const COLUMN = /\x1b\[\d*[GC]/g;
const TOKEN = /sk-ant-oat\d\d-[\w-]{20,}/;

/** What the CLI has printed on its terminal, and what it means. */
export class Screen {
  #raw = Buffer.alloc(0);

  add(bytes: Buffer): void {
    this.#raw = Buffer.concat([this.#raw, bytes]).subarray(-MAX_SCREEN_BYTES);
  }

  /** The address where the operator approves, once it is printed. */
  get address(): string | undefined {
    for (const [, link = ""] of this.#raw.toString("utf8").matchAll(LINK)) {
      const url = URL.parse(link);
      if (url?.pathname.endsWith("/authorize") === true && SITES.test(url.hostname)) return link;
    }
    return undefined;
  }

  /** The token. It is whole only once the CLI has ended. */
  get token(): string | undefined {
    return TOKEN.exec(this.#text())?.[0];
  }

  /** The error that the CLI has printed, as a whole line. */
  get failure(): string | undefined {
    const words = /OAuth error: ([^\n]+)\n/.exec(this.#text())?.[1];
    return words?.trim().slice(0, MAX_REASON_CHARS);
  }

  /** The last words on the screen, without a line that has a credential. */
  get lastWords(): string {
    const lines = this.#text()
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => /\p{L}{3}/u.test(line) && !line.includes("sk-ant"));
    return lines.slice(-2).join(" ").slice(-MAX_REASON_CHARS);
  }

  #text(): string {
    return stripVTControlCharacters(this.#raw.toString("utf8").replace(COLUMN, " "))
      .replace(/\r+\n?/g, "\n")
      .replace(/[^\P{Cc}\n]/gu, "");
  }
}
