import { eastAsianWidth } from "get-east-asian-width";
import { readable, writtenOut } from "../wire/unseen.ts";

/** How things look in a terminal. Pure: text in, text out. */

/** CSI and OSC sequences whole, and what is left of one that is not. */
const SEQUENCES = /\u001B\[[0-?]*[ -/]*[@-~]|\u001B[\]PX^_][\s\S]*?(?:\u0007|\u001B\\|$)|\u001B[@-Z\\-_]/g;

/** Text from an agent, as the page shows it: what would steer the terminal, hide or turn the text is written out. */
export const clean = readable;

/** What a program wrote for a terminal: its sequences (colours, cursor, titles) are dropped, all else is as in `clean`. */
export function terminalText(text: string): string {
  return clean(text.replace(SEQUENCES, ""));
}

/** The same on one line. */
export function oneLine(text: string): string {
  return clean(text).replaceAll(/\s+/g, " ").trim();
}

/** Text that is about to be approved: nothing is left out, and all that would hide or steer is written out. */
export const visible = writtenOut;

export type Colour = "amber" | "mauve" | "green" | "red" | "cyan" | "dim" | "bold" | "inverse";
const CODES: Record<Colour, string> = {
  amber: "33",
  mauve: "35",
  green: "32",
  red: "31",
  cyan: "36",
  dim: "2",
  bold: "1",
  inverse: "7",
};

/** Paints a text, or leaves it as it is where colours are not wanted. */
export type Paint = (colour: Colour | readonly Colour[], text: string) => string;
export const painter =
  (isOn: boolean): Paint =>
  (colour, text) => {
    if (!isOn || text === "") return text;
    const colours: readonly Colour[] = typeof colour === "string" ? [colour] : colour;
    return `\u001B[${colours.map((one) => CODES[one]).join(";")}m${text}\u001B[0m`;
  };

let segmenter: Intl.Segmenter | undefined;
/** What a reader takes for one character. The machine for it is made when a text needs it: that takes milliseconds. */
function segments(text: string): Iterable<{ segment: string }> {
  return (segmenter ??= new Intl.Segmenter()).segment(text);
}
const PLAIN = /^[\u0020-\u007E]*$/;
/** Pictures that a terminal draws over two columns though most of their characters count as narrow. */
const PICTURE = /\p{Emoji_Presentation}|\uFE0F/u;
const ALONE_HAS_NO_WIDTH = /^\p{Mark}+$/u;

function cellWidth(segment: string): number {
  if (ALONE_HAS_NO_WIDTH.test(segment)) return 0;
  return PICTURE.test(segment) ? 2 : eastAsianWidth(segment.codePointAt(0) ?? 0);
}

/** Columns that a line of text takes in a terminal. */
export function width(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let sum = 0;
  for (const { segment } of segments(text)) sum += cellWidth(segment);
  return sum;
}

/** The text, cut to so many columns with a … where it is longer. */
export function fit(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let sum = 0;
  let kept = "";
  for (const { segment } of segments(text)) {
    sum += cellWidth(segment);
    if (sum > columns - 1) break;
    kept += segment;
  }
  return columns > 0 ? `${kept}…` : "";
}

/** The text with spaces behind it up to so many columns. */
export function pad(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - width(text)));
}

/** `14s`, `3m`, `2h`, `4d`. */
export function age(since: string | undefined, now: number): string {
  if (since === undefined) return "";
  const seconds = Math.max(0, Math.floor((now - Date.parse(since)) / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** A duration: `412ms`, `14s`, `1m 12s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
}

export function dollars(usd: number): string {
  return usd > 0 && usd < 0.005 ? "<$0.01" : `$${usd.toFixed(2)}`;
}

/** `847`, `18.2k`, `1.2M`. */
export function count(n: number): string {
  if (n < 1000) return String(n);
  return n < 999_950 ? `${(n / 1000).toFixed(1)}k` : `${(n / 1_000_000).toFixed(1)}M`;
}

/** `1 file`, `3 files`. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** Indents every line. */
export function indented(text: string, by = "  "): string {
  return text
    .split("\n")
    .map((line) => `${by}${line}`)
    .join("\n");
}
