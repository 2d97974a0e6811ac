import { eastAsianWidth } from "get-east-asian-width";
import { readable, writtenOut } from "../wire/unseen.ts";

/** Formatting for the terminal. Pure functions from text to text. */

/** Complete CSI and OSC sequences, and the remains of incomplete ones. */
const SEQUENCES = /\u001B\[[0-?]*[ -/]*[@-~]|\u001B[\]PX^_][\s\S]*?(?:\u0007|\u001B\\|$)|\u001B[@-Z\\-_]/g;

/** Text of an agent as the page shows it. Characters that steer the terminal, hide text or change its direction are escaped. */
export const clean = readable;

/**
 * Output of a program that wrote for a terminal. Its sequences (colours, cursor, titles) are dropped; the rest is as in
 * `clean`.
 */
export function terminalText(text: string): string {
  return clean(text.replace(SEQUENCES, ""));
}

/** The same on one line. */
export function oneLine(text: string): string {
  return clean(text).replaceAll(/\s+/g, " ").trim();
}

/** Text to be approved: nothing is left out, and all characters that hide or steer are escaped. */
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

/** Paints a text, or returns it unchanged without colours. */
export type Paint = (colour: Colour | readonly Colour[], text: string) => string;

/** How and where the text is printed. */
export interface View {
  paint: Paint;
  width: number;
  now: number;
}
export const painter =
  (isOn: boolean): Paint =>
  (colour, text) => {
    if (!isOn || text === "") return text;
    const colours: readonly Colour[] = typeof colour === "string" ? [colour] : colour;
    return `\u001B[${colours.map((one) => CODES[one]).join(";")}m${text}\u001B[0m`;
  };

let segmenter: Intl.Segmenter | undefined;
/** Splits text into what a reader sees as single characters. The segmenter is created on first use, which takes milliseconds. */
function segments(text: string): Iterable<{ segment: string }> {
  return (segmenter ??= new Intl.Segmenter()).segment(text);
}
const PLAIN = /^[\u0020-\u007E]*$/;
/** Emoji that a terminal draws over two columns although most of their code points count as narrow. */
const PICTURE = /\p{Emoji_Presentation}|\uFE0F/u;
const ALONE_HAS_NO_WIDTH = /^\p{Mark}+$/u;

function cellWidth(segment: string): number {
  if (ALONE_HAS_NO_WIDTH.test(segment)) return 0;
  return PICTURE.test(segment) ? 2 : eastAsianWidth(segment.codePointAt(0) ?? 0);
}

/** Columns of a line of text in a terminal. */
export function width(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let sum = 0;
  for (const { segment } of segments(text)) sum += cellWidth(segment);
  return sum;
}

/** Cuts text to this many columns. A cut text ends with …. */
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

/** Pads text with trailing spaces to this many columns. */
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

/** The time of day in the operator's time zone: `14:05`. */
export function timeOfDay(at: string): string {
  const time = new Date(at);
  return [time.getHours(), time.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
}

/** A duration: `412ms`, `14s`, `1m 12s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
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
