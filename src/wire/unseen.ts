/**
 * Characters that a reader cannot see, or that make a text look like a different one. The pages, the terminal, the risk
 * marks and the path checks share this list.
 */

type Ranges = readonly (readonly [from: number, to: number])[];

/** Change the direction of the text after them, so that it is shown in a different order than programs read it. */
const BIDI: Ranges = [
  [0x061c, 0x061c],
  [0x200e, 0x200f],
  [0x202a, 0x202e],
  [0x2066, 0x2069],
];
/**
 * Show nothing, or a blank that is not a space: Unicode's `Default_Ignorable_Code_Point`, its blanks, its line and
 * paragraph separators, and letters and symbols that fonts draw empty.
 */
const INVISIBLE: Ranges = [
  [0x00a0, 0x00a0],
  [0x00ad, 0x00ad],
  [0x034f, 0x034f],
  [0x115f, 0x1160],
  [0x1680, 0x1680],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x2000, 0x200d],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x2065],
  [0x206a, 0x206f],
  [0x2800, 0x2800],
  [0x3000, 0x3000],
  [0x3164, 0x3164],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfffb],
  [0x13430, 0x13440],
  [0x16fe4, 0x16fe4],
  [0x1bca0, 0x1bca3],
  [0x1d159, 0x1d159],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe0fff],
];
/**
 * Control characters that no text needs: all but tab, newline and a carriage return before a newline. Also lone
 * surrogates, which no program can encode.
 */
const CONTROL: Ranges = [
  [0x00, 0x08],
  [0x0b, 0x0c],
  [0x0e, 0x1f],
  [0x7f, 0x9f],
  [0xd800, 0xdfff],
];
const CARRIAGE_RETURN = "\r";

const within = (point: number, ranges: Ranges): boolean => ranges.some(([from, to]) => point >= from && point <= to);

export type Unseen = "bidi" | "invisible" | "control";

/** The kind of an unseen character; undefined for visible characters, blanks, tabs and line ends. */
export function unseenKind(character: string): Unseen | undefined {
  const point = character.codePointAt(0) ?? 0;
  if (within(point, BIDI)) return "bidi";
  if (within(point, INVISIBLE)) return "invisible";
  return within(point, CONTROL) ? "control" : undefined;
}

/** The character in the usual notation, such as `U+202E`. */
export function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

const inClass = ([from, to]: Ranges[number]): string => `\\u{${from.toString(16)}}-\\u{${to.toString(16)}}`;
/** Every character of the list, and a carriage return that does not end a line. */
const UNSEEN = new RegExp(`[${[...BIDI, ...INVISIBLE, ...CONTROL].map(inClass).join("")}]|\\r(?!\\n)`, "u");
const EVERY_UNSEEN = new RegExp(UNSEEN, "gu");

/** Characters that are part of emoji: emoji presentation and the joiner. */
const IN_EMOJI = /\u200d|\ufe0f/;
let emoji: RegExp | undefined;
/** Whole emoji as Unicode lists them. Compiled on first use because the list is long. */
function emojiSequences(): RegExp {
  try {
    return (emoji ??= new RegExp("\\p{RGI_Emoji}", "gv"));
  } catch {
    // The browser does not know the list. Treat no sequence as an emoji and write everything out.
    return (emoji = /(?!)/g);
  }
}

/** Offsets at which a joiner or selector is part of an emoji. */
function partsOfEmoji(text: string): ReadonlySet<number> {
  const places = new Set<number>();
  if (!IN_EMOJI.test(text)) return places;
  for (const { 0: picture, index } of text.matchAll(emojiSequences()))
    for (let at = 0; at < picture.length; at++) if (IN_EMOJI.test(picture[at] ?? "")) places.add(index + at);
  return places;
}

export interface Piece {
  text: string;
  /** The kind of the single character in `text`; undefined for visible text. */
  unseen?: Unseen;
}

/**
 * Splits the text into pieces, with a separate piece for each unseen character. A joiner or selector in an emoji stays
 * part of the text.
 */
export function piecesOf(text: string): Piece[] {
  if (!UNSEEN.test(text)) return text === "" ? [] : [{ text }];
  const pictures = partsOfEmoji(text);
  const pieces: Piece[] = [];
  let from = 0;
  for (const { 0: character, index } of text.matchAll(EVERY_UNSEEN)) {
    if (pictures.has(index)) continue;
    if (index > from) pieces.push({ text: text.slice(from, index) });
    pieces.push({ text: character, unseen: unseenKind(character) ?? "control" });
    from = index + character.length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from) });
  return pieces;
}

const SIGNS: Readonly<Record<string, string>> = {
  "\u0000": "␀",
  "\u0007": "␇",
  [CARRIAGE_RETURN]: "␍",
  "\u001B": "␛",
  "\u007F": "␡",
};

/** How an unseen character is written: a symbol for the well-known ones, `⟨U+202E⟩` for the others. */
export function written(character: string): string {
  return SIGNS[character] ?? `⟨${codePoint(character)}⟩`;
}

/** The text as a page or terminal shows it: unseen characters are written out and foreign line ends become newlines. */
export function readable(text: string): string {
  return writtenOut(text.includes("\r") ? text.replaceAll(/\r(?=\n|$)/g, "") : text);
}

/** The text with every unseen character written out. `mark` may highlight those or write them differently. */
export function writtenOut(text: string, mark: (sign: string, character: string) => string = (sign) => sign): string {
  if (!UNSEEN.test(text)) return text;
  let out = "";
  for (const piece of piecesOf(text)) out += piece.unseen === undefined ? piece.text : mark(written(piece.text), piece.text);
  return out;
}
